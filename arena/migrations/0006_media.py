from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("arena", "0005_live_prompts"),
    ]

    operations = [
        migrations.AddField(
            model_name="candidate",
            name="seconds",
            field=models.FloatField(blank=True, help_text="How long a video or sound plays.", null=True),
        ),
        migrations.AddField(
            model_name="candidate",
            name="thumbnail",
            field=models.FileField(
                blank=True, help_text="A small WebP picture; a sound has none.", max_length=200, upload_to=""
            ),
        ),
    ]
