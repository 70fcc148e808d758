"""The database itself keeps ballots append-only, and contestants that were judged."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION arena_ballot_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ballots are append-only: write a superseding ballot instead (ballot %)', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER arena_ballot_append_only BEFORE UPDATE OR DELETE ON arena_ballot
    FOR EACH ROW EXECUTE FUNCTION arena_ballot_is_append_only();

CREATE FUNCTION arena_contestant_was_judged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM arena_ballot WHERE arena_id = OLD.arena_id AND OLD.id = ANY (contestants)) THEN
        RAISE EXCEPTION 'contestant % has ballots: retire it instead', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER arena_contestant_kept BEFORE DELETE ON arena_contestant
    FOR EACH ROW EXECUTE FUNCTION arena_contestant_was_judged();
"""

BACKWARD = """
DROP TRIGGER arena_contestant_kept ON arena_contestant;
DROP FUNCTION arena_contestant_was_judged();
DROP TRIGGER arena_ballot_append_only ON arena_ballot;
DROP FUNCTION arena_ballot_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("arena", "0001_foundations")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
