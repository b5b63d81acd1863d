"""Pictures of the web page for the documentation: a small real system with some history, visited by a browser."""
