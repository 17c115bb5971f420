-- The shop's tables. Applied by whichever service comes first; every statement may run again.
-- The unique indexes that keep a purchase from happening twice are in tables.py.

CREATE TABLE IF NOT EXISTS accounts (
    id uuid PRIMARY KEY,
    email text UNIQUE NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS sessions (
    token_hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    expires_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS flags (
    name text PRIMARY KEY,
    enabled boolean NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS orders (
    id text PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id),
    email text NOT NULL,
    product text NOT NULL,
    once_only boolean NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    amount bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK
        (state IN ('open', 'paid', 'fulfilled', 'cancelled', 'refunding', 'refunded')),
    paid_reference text,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS orders_unfinished ON orders (changed_at) WHERE state = 'paid';

CREATE TABLE IF NOT EXISTS order_history (
    order_id text NOT NULL REFERENCES orders (id),
    state text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row an attempt to pay. The reference is stored before Paystack hears of it.
-- starting: sent, no answer seen. open: the customer has its address. lost: never took place.
CREATE TABLE IF NOT EXISTS attempts (
    reference text PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders (id),
    state text NOT NULL DEFAULT 'starting' CHECK
        (state IN ('starting', 'open', 'failed', 'lost', 'success', 'refused')),
    authorization_url text,
    transaction_id bigint,
    checks integer NOT NULL DEFAULT 0,
    next_check_at timestamptz DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS one_payable_attempt_each ON attempts (order_id)
    WHERE state IN ('starting', 'open');
CREATE INDEX IF NOT EXISTS attempts_to_check ON attempts (next_check_at)
    WHERE next_check_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS grants (
    id uuid PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders (id),
    account_id uuid NOT NULL REFERENCES accounts (id),
    product text NOT NULL,
    once_only boolean NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    reference text NOT NULL,
    starts_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz,
    revoked_at timestamptz
);

-- What left the shelf; a grant moves it once, in the same transaction.
CREATE TABLE IF NOT EXISTS stock_movements (
    id uuid PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders (id),
    product text NOT NULL,
    quantity integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- Every signed event, stored before it is acknowledged. The same bytes twice are one event.
CREATE TABLE IF NOT EXISTS webhook_events (
    id bigserial PRIMARY KEY,
    body_hash bytea UNIQUE NOT NULL,
    event text NOT NULL,
    reference text,
    data jsonb NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz DEFAULT now(),
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS events_to_handle ON webhook_events (next_try_at)
    WHERE next_try_at IS NOT NULL;

-- Jobs on their way to Redis.
CREATE TABLE IF NOT EXISTS outbox (
    id bigserial PRIMARY KEY,
    job jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS refunds (
    id uuid PRIMARY KEY,
    reference text NOT NULL REFERENCES attempts (reference),
    order_id text NOT NULL REFERENCES orders (id),
    amount bigint NOT NULL,
    reason text NOT NULL CHECK (reason IN ('surplus', 'wrong_amount', 'asked')),
    state text NOT NULL DEFAULT 'requested' CHECK
        (state IN ('requested', 'accepted', 'processed', 'failed')),
    paystack_id bigint UNIQUE,
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);
-- When Paystack was last asked for it; its answer may have been lost.
ALTER TABLE refunds ADD COLUMN IF NOT EXISTS asked_at timestamptz;
-- What nobody asked for is given back once.
CREATE UNIQUE INDEX IF NOT EXISTS one_correction_each ON refunds (reference)
    WHERE reason <> 'asked';

CREATE TABLE IF NOT EXISTS mails (
    message_id text PRIMARY KEY,
    recipient text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    order_id text REFERENCES orders (id),
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX IF NOT EXISTS mails_to_send ON mails (next_try_at) WHERE sent_at IS NULL;

CREATE TABLE IF NOT EXISTS support_messages (
    id uuid PRIMARY KEY,
    account_id uuid REFERENCES accounts (id),
    email text NOT NULL,
    message text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- For the drill's ledger check, which reads and never writes. No passwords, no sessions.
GRANT SELECT ON orders, order_history, attempts, grants, webhook_events, outbox, refunds, mails,
    stock_movements TO drill_reader;
-- Whose an account is, and nothing else of it; and how many jobs there ever were.
GRANT SELECT (id, email) ON accounts TO drill_reader;
GRANT SELECT ON SEQUENCE outbox_id_seq TO drill_reader;
