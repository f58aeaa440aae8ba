"""The pages of the site: one for people who are signed in, and one after signing out."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path


def home(request: HttpRequest) -> HttpResponse:
    """Who is signed in, and the button to sign out."""
    return render(request, "home.html", {"sign_out": settings.SIGN_OUT})


def signed_out(_: HttpRequest) -> HttpResponse:
    """What is shown when the issuer sends the browser back."""
    return HttpResponse("已退出登录。")


urlpatterns = [path("", login_required(home)), path("signed-out", signed_out)]
