"""A served page and a browser for tests of the web page."""
