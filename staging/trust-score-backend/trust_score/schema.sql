CREATE TABLE IF NOT EXISTS feature_notes (
    id uuid PRIMARY KEY,
    feature text NOT NULL,
    note text NOT NULL,
    derived jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS feature_notes_age ON feature_notes (created_at);
