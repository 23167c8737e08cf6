"""`python -m matinee`."""

from matinee.cli.main import main

main()
