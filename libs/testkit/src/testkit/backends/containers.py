"""Servers in Docker, if the daemon responds and the image is present or can be pulled in time."""

import threading
from collections.abc import Callable

from testkit.backends.base import Backend, UnavailableError

DAEMON_SECONDS = 3
PULL_SECONDS = 60.0


def ensure_daemon() -> None:
    """Raise UnavailableError unless a Docker daemon answers within DAEMON_SECONDS."""
    import docker  # type: ignore[import-untyped, unused-ignore]  # here: slow to import, seldom needed

    try:
        client = docker.from_env(timeout=DAEMON_SECONDS)
    except docker.errors.DockerException as error:
        raise UnavailableError(f"no Docker daemon: {error}") from error
    try:
        client.ping()
    except Exception as error:  # the client also raises errors of requests and urllib3
        raise UnavailableError(f"the Docker daemon does not answer: {error}") from error
    finally:
        client.close()


def ensure_image(image: str) -> None:
    """Raise UnavailableError unless `image` is present or can be pulled within PULL_SECONDS."""
    import docker  # type: ignore[import-untyped, unused-ignore]

    client = docker.from_env(timeout=DAEMON_SECONDS)
    try:
        client.images.get(image)
        return
    except docker.errors.ImageNotFound:
        pass
    except docker.errors.DockerException as error:
        raise UnavailableError(f"cannot look for image {image}: {error}") from error
    finally:
        client.close()
    failure: list[Exception] = []

    def pull() -> None:
        puller = docker.from_env(timeout=int(PULL_SECONDS))
        try:
            puller.images.pull(image)
        except Exception as error:  # reported by the waiting thread
            failure.append(error)
        finally:
            puller.close()

    thread = threading.Thread(target=pull, name="testkit-pull", daemon=True)
    thread.start()
    thread.join(PULL_SECONDS)
    if thread.is_alive():
        raise UnavailableError(f"image {image} did not arrive within {PULL_SECONDS:.0f} s")
    if failure:
        raise UnavailableError(f"image {image} cannot be pulled: {failure[0]}")


def in_docker(image: str, run: Callable[[], Backend]) -> Backend:
    """Return the backend that `run` starts from `image`; every failure becomes UnavailableError."""
    ensure_daemon()
    ensure_image(image)
    from testcontainers.core.config import testcontainers_config

    # The reaper would be another image to pull; `stop` removes the containers.
    testcontainers_config.ryuk_disabled = True
    try:
        return run()
    except UnavailableError:
        raise
    except Exception as error:  # Docker, HTTP and waiting errors of many libraries
        raise UnavailableError(f"{image} did not start: {error}") from error
