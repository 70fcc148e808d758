from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("arena", "0006_media"),
    ]

    operations = [
        migrations.AddField(
            model_name="candidate",
            name="not_before",
            field=models.DateTimeField(blank=True, help_text="After a failure that may pass: the next try.", null=True),
        ),
    ]
