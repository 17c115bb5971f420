"""How a drill is told: one file a format, each a fold over the journal. Imports only drill."""
