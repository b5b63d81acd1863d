"""`python -m relearn.scripts` is the `relearn` command; workers are started this way."""

from relearn.scripts.cli import main

if __name__ == "__main__":
    main()
