from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ranking", "0002_goal_standing"),
    ]

    operations = [
        migrations.AddField(
            model_name="goalstanding",
            name="obstacle",
            field=models.CharField(
                blank=True,
                default="",
                help_text="What keeps the goal from being reached; mostly nothing.",
                max_length=120,
            ),
        ),
    ]
