"""A mailing with django-post-office: one row for each person, sent by its own command, which keeps
going until the queue is empty. What is said and heard is described in `../mod.rs`."""

import json
import sys
import tempfile
from pathlib import Path

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

url, server, file = sys.argv[1:4]
host, port = server.rsplit(":", 1)
database = conninfo_to_dict(url)

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": database["host"],
            "PORT": database.get("port", "5432"),
            "USER": database.get("user", ""),
            "PASSWORD": database.get("password", ""),
            "NAME": database["dbname"],
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    EMAIL_HOST=host,
    EMAIL_PORT=int(port),
    LOGGING={"version": 1, "root": {"level": "WARNING"}},
    # Threads and batches beyond its defaults, and no row in its log for each success.
    POST_OFFICE={"THREADS_PER_PROCESS": 8, "BATCH_SIZE": 1000, "LOG_LEVEL": 1},
)
django.setup()

from django.core.mail.utils import DNS_NAME  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from post_office import mail  # noqa: E402
from post_office.models import STATUS, Email, EmailTemplate  # noqa: E402

message = json.loads(Path(file).read_text())
call_command("migrate", verbosity=0)
Email.objects.all().delete()
EmailTemplate.objects.all().delete()
template = EmailTemplate.objects.create(
    name="window", subject=message["subject"], content=message["text"], html_content=message["html"]
)
# Looked up once: it can take seconds.
str(DNS_NAME)

print("ready", flush=True)
sys.stdin.readline()

with connection.cursor() as cursor:
    cursor.execute("select email, first_name, unsubscribe_token from customers order by id")
    people = cursor.fetchall()
mail.send_many(
    [
        {
            "recipients": email,
            "sender": message["from"],
            "template": template,
            "context": {"first_name": first_name, "unsubscribe_url": message["unsubscribe"] + token},
            "render_on_delivery": True,
        }
        for email, first_name, token in people
    ]
)
with tempfile.TemporaryDirectory() as folder:
    mail.send_queued_mail_until_done(lockfile=f"{folder}/lock", processes=2)

print(Email.objects.filter(status=STATUS.sent).count(), flush=True)
sys.stdin.readline()
