"""A mailbox for everybody: catches the alert mails of the demo and keeps each as a file."""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Mail:
    """What a line in the terminal says of a mail."""

    to: str
    subject: str
    path: Path


def received(folder: Path) -> list[Mail]:
    """Return the mails caught so far, oldest first."""
    return [_read(path) for path in sorted(folder.glob("*.eml"))]


class Mailbox:
    """Accepts mail for anybody and writes it below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd
        """Keep one mail: written under another name first, so that a reader never sees half of it."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        path = self.folder / f"{time.time_ns()}.eml"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(path)
        mail = _read(path)
        print(f"mail to {mail.to}: {mail.subject}", flush=True)
        return "250 kept"


def _read(path: Path) -> Mail:
    message = message_from_bytes(path.read_bytes(), policy=default)
    return Mail(str(message["To"] or ""), str(message["Subject"] or ""), path)


async def serve(folder: Path, port: int) -> None:
    """Catch mails until SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    mailbox = Mailbox(folder)
    server = await loop.create_server(lambda: SMTP(mailbox, hostname=HOST), host=HOST, port=port)
    print(f"mail server on {HOST}:{port}", flush=True)
    async with server:
        await stopped.wait()


def main() -> None:
    """Run the mailbox as a process."""
    parser = argparse.ArgumentParser(prog="python -m erp_feeds.demo.mail", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where mails are kept as .eml files")
    parser.add_argument("--port", type=int, required=True, help="port on the loopback address")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.folder, chosen.port))


if __name__ == "__main__":
    main()
