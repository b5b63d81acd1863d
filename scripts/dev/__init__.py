"""Tools for developers.

`documents` writes the OpenAPI and AsyncAPI documents, `words` checks the language of code and docs, bench/ measures,
screenshots/ takes the pictures of the documentation.
"""
