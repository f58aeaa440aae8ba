"""Uploads are scanned by ClamAV, with a signature of its own: the official ones are not on every machine."""

import hashlib
from pathlib import Path

from onebox.demo import people
from onebox.demo.story import COUNTY, Story
from testkit.waiting import moments

# The test file that every scanner finds (EICAR), in two pieces: this one is not to be found.
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_SECONDS = 60.0


def signatures(folder: Path) -> dict[str, str]:
    """Write a folder of signatures; return the variables that have Office scan with it."""
    folder.mkdir(mode=0o755)
    line = f"{hashlib.md5(_EICAR, usedforsecurity=False).hexdigest()}:{len(_EICAR)}:Eicar-Test-Signature\n"
    file = folder / "check.hdb"
    file.write_text(line)
    file.chmod(0o644)
    return {
        "COMPOSE_PROFILES": "clamav-offline",
        "ZHUXUE_CLAMAV_SIGNATURES": str(folder),
        "ZHUXUE_OFFICE_FILE_SCANNER_URL": "tcp://clamd:3310",
    }


async def scanned(story: Story) -> None:
    """Upload a file with malicious code, and one without."""
    async with story.person(COUNTY) as county:

        async def upload(content: bytes) -> tuple[int, str]:
            answer = await county.office(
                "POST",
                "/files",
                params={"file_name": "名单.txt"},
                content=content,
                headers={"Content-Type": "text/plain"},
            )
            return answer.status_code, answer.json().get("code", "")

        async for _ in moments(_SECONDS, pause=1):
            refused = await upload(_EICAR)
            if refused[0] != 503:
                break
        clean = await upload("一份名单".encode())
    print(f"   malicious: {refused}; clean: {clean[0]}")
    if (refused, clean[0]) != ((400, "file_infected"), 201):
        raise people.Failed(f"the scanner: {refused}, {clean}")
