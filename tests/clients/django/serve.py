"""Serves the site whose settings, routes and sign-in are in the working directory, at the port given."""

import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


class Server(ThreadingMixIn, WSGIServer):
    """One thread for each request."""

    daemon_threads = True


django.setup()
call_command("migrate", verbosity=0)
make_server("localhost", int(sys.argv[1]), get_wsgi_application(), Server).serve_forever()
