-- The demo data: synthetic, deterministic, and shaped like a small shop. Card numbers are the card networks' published test
-- numbers; keys are put together here so that no file holds anything that looks like a live one.
SET ROLE demo_app;

CREATE TABLE customers (
  id integer PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  phone text NOT NULL,
  city text NOT NULL,
  ssn text NOT NULL,
  credit_card text NOT NULL,
  notes text,
  created_at timestamptz NOT NULL
);
INSERT INTO customers
SELECT i,
       (ARRAY['Ada','Grace','Alan','Edsger','Barbara','Donald','Frances','John','Radia','Ken'])[1 + i % 10] || ' ' ||
       (ARRAY['Lindqvist','Okafor','Moreau','Tanaka','Novak','Silva','Haddad','Keller','Osei','Petrov'])[1 + (i / 10) % 10],
       'customer' || i || '@' || (ARRAY['example.com','example.org','mail.example.net'])[1 + i % 3],
       '+1 555 01' || lpad((i % 100)::text, 2, '0'),
       (ARRAY['Lisbon','Oslo','Nairobi','Osaka','Quito','Turin','Austin'])[1 + i % 7],
       lpad((100 + i % 500)::text, 3, '0') || '-' || lpad((10 + i % 80)::text, 2, '0') || '-' || lpad((1000 + i % 8000)::text, 4, '0'),
       (ARRAY['4242424242424242','5555555555554444','4111111111111111','378282246310005','6011111111111117'])[1 + i % 5],
       CASE WHEN i % 25 = 0 THEN 'asked to be reached at private' || i || '@example.org' END,
       timestamptz '2026-01-01 00:00+00' + i * interval '37 minutes'
FROM generate_series(1, 1000) AS i;

CREATE TABLE orders (
  id integer PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers (id),
  amount numeric(10,2) NOT NULL,
  currency text NOT NULL,
  status text NOT NULL,
  placed_at timestamptz NOT NULL
);
INSERT INTO orders
SELECT i, 1 + (i * 7) % 1000, (5 + (i * 31) % 900 + 0.99)::numeric(10,2),
       (ARRAY['EUR','USD','GBP'])[1 + i % 3],
       (ARRAY['paid','shipped','returned','open'])[1 + i % 4],
       timestamptz '2026-02-01 00:00+00' + i * interval '11 minutes'
FROM generate_series(1, 5000) AS i;
CREATE INDEX orders_customer ON orders (customer_id);

CREATE TABLE users (
  id integer PRIMARY KEY,
  login text NOT NULL UNIQUE,
  role text NOT NULL,
  last_seen timestamptz
);
INSERT INTO users
SELECT i, 'staff' || i, (ARRAY['support','engineer','analyst'])[1 + i % 3], timestamptz '2026-11-01 08:00+00' + i * interval '13 minutes'
FROM generate_series(1, 40) AS i;

CREATE TABLE api_keys (
  id integer PRIMARY KEY,
  owner_id integer NOT NULL REFERENCES users (id),
  label text NOT NULL,
  secret text NOT NULL
);
INSERT INTO api_keys
SELECT i, i, 'integration ' || i,
       CASE i % 3
         WHEN 0 THEN 'sk_' || 'live_' || substr(md5('stripe' || i) || md5('s' || i), 1, 28)
         WHEN 1 THEN 'ghp_' || substr(md5('github' || i) || md5('g' || i), 1, 36)
         ELSE 'AKIA' || upper(translate(substr(md5('aws' || i), 1, 16), '0189', 'QRST'))
       END
FROM generate_series(1, 12) AS i;

CREATE TABLE events (
  id bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  payload jsonb NOT NULL
);
INSERT INTO events
SELECT i, timestamptz '2026-11-01 00:00+00' + i * interval '53 seconds',
       (ARRAY['login','order','refund','note'])[1 + i % 4],
       jsonb_build_object('order', i * 2, 'by', 'staff' || (1 + i % 40), 'contact',
                          CASE WHEN i % 10 = 0 THEN 'customer' || i || '@example.com' END)
FROM generate_series(1, 2000) AS i;

RESET ROLE;
