"""
The live page of a game day: what it shows, who may speak, and how commands find the drill.

    board, clocks, outages    pure: from the journal to the snapshot that the page shows
    hub                       the snapshot to everybody who watches, when it changes
    access, app, serve        loopback HTTP with a token, beside the drill in its own event loop
    whereabouts               the file by which `drill ack` and its friends find a running drill
    static                    the page: HTML, CSS and one module, as they are
"""
