"""`relearn signing-keys`: the key pair that signs and verifies models, for workers that `relearn up` doesn't start."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from relearn.scripts.embedded.keys import ensure_pair


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--verify-dir", type=click.Path(file_okay=False, path_type=Path), help="Copy verify.pem to here.")
@click.option("--owner", type=int, metavar="UID", help="Make this user the owner of both files (as root only).")
def signing_keys(directory: Path, verify_dir: Path | None, owner: int | None) -> None:
    """Create an Ed25519 pair in DIRECTORY unless it exists: signing.pem for retrain only, verify.pem for all roles."""
    signing, verify = ensure_pair(directory)
    if verify_dir is not None:
        verify_dir.mkdir(parents=True, exist_ok=True)
        verify = Path(shutil.copyfile(verify, verify_dir / verify.name))
        verify.chmod(0o644)  # a public key, for all roles
    if owner is not None:
        for path in (signing, verify):
            os.chown(path, owner, -1)
        os.chown(directory, owner, -1)
    click.echo(f"RELEARN_SIGNING_KEY_FILE={signing}\nRELEARN_VERIFY_KEYS={verify}")
