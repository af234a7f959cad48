"""`python -m earthloom`."""

from earthloom.cli.main import main

if __name__ == "__main__":
    main()
