"""Every door to Footnote: HTTP, server-sent events, the page and the `footnote` command."""
