-- The order placement of Comptoir as one plain SQL function, the way a careful engineer would write it without batching: the same
-- input, the same decisions, the same rows, one transaction per order. `make bench` calls it with pgbench.
CREATE SCHEMA IF NOT EXISTS bench;
DROP TYPE IF EXISTS bench.taken CASCADE;
CREATE TYPE bench.taken AS (line_no int, sku text, name text, quantity int, price bigint, tax_rate numeric, tax bigint);

CREATE OR REPLACE FUNCTION bench.place(
  p_channel text, p_key text, p_lines jsonb, p_latitude double precision, p_longitude double precision
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_order uuid := uuidv7();
  v_number bigint;
  v_channel record;
  v_line record;
  v_place record;
  v_left int;
  v_tax bigint;
  v_amount bigint := 0;
  v_taxes bigint := 0;
  v_units int := 0;
  v_line_no int;
  v_lines jsonb := '[]';
  v_answer jsonb := '[]';
  v_taken bench.taken[] := '{}';
BEGIN
  -- One key, one effect, one answer.
  PERFORM 1 FROM runtime.idempotency WHERE scope = 'bench' AND key = p_key;
  IF FOUND THEN
    RETURN 0;
  END IF;
  SELECT c.id, c.code, c.market, c.pool_id, m.currency, m.tax_included, m.tax_name INTO v_channel
  FROM channels.channels c JOIN pricing.markets m ON m.code = c.market WHERE c.code = p_channel AND c.active;

  -- Lines in the order of their SKU, so that two orders never wait for each other in a circle.
  FOR v_line IN
    SELECT l.line_no, v.sku, v.name, l.quantity, p.amount, p.tax_rate
    FROM (SELECT n::int AS line_no, line ->> 'sku' AS sku, (line ->> 'quantity')::int AS quantity
          FROM jsonb_array_elements(p_lines) WITH ORDINALITY AS e (line, n)) l
    JOIN catalogue.variants v ON v.sku = l.sku AND v.active
    JOIN pricing.prices p ON p.sku = v.sku AND p.market = v_channel.market
    ORDER BY v.sku
  LOOP
    v_left := v_line.quantity;
    -- By priority, then distance.
    FOR v_place IN
      SELECT m.location_id
      FROM locations.pool_members m
      JOIN locations.locations l ON l.id = m.location_id AND l.active
      JOIN inventory.levels s ON s.sku = v_line.sku AND s.location_id = m.location_id
      WHERE m.pool_id = v_channel.pool_id AND s.on_hand - s.reserved - s.safety - s.damaged - s.quality >= v_line.quantity
      ORDER BY m.priority, power(sin(radians(l.latitude - p_latitude) / 2), 2)
        + cos(radians(p_latitude)) * cos(radians(l.latitude)) * power(sin(radians(l.longitude - p_longitude) / 2), 2), l.code
      LIMIT 3
    LOOP
      UPDATE inventory.levels SET reserved = reserved + v_line.quantity
      WHERE sku = v_line.sku AND location_id = v_place.location_id
        AND on_hand - reserved - safety - damaged - quality >= v_line.quantity;
      IF FOUND THEN
        INSERT INTO inventory.reservations (promise_id, line_no, location_id, sku, quantity, at)
        VALUES (v_order, v_line.line_no, v_place.location_id, v_line.sku, v_line.quantity, now());
        INSERT INTO inventory.entries (at, actor, kind, sku, location_id, reserved, order_id)
        VALUES (now(), 'system', 'reserved', v_line.sku, v_place.location_id, v_line.quantity, v_order);
        v_left := 0;
        EXIT;
      END IF;
    END LOOP;
    IF v_left > 0 THEN
      RAISE EXCEPTION 'not enough stock of %', v_line.sku;
    END IF;
    v_tax := round(v_line.amount * v_line.quantity * v_line.tax_rate / (1 + v_line.tax_rate));
    v_amount := v_amount + v_line.amount * v_line.quantity;
    v_taxes := v_taxes + v_tax;
    v_units := v_units + v_line.quantity;
    v_lines := v_lines || jsonb_build_array(jsonb_build_array(v_line.line_no, v_line.sku, v_line.quantity));
    v_answer := v_answer || jsonb_build_array(jsonb_build_object('line_no', v_line.line_no, 'sku', v_line.sku, 'name', v_line.name,
      'quantity', v_line.quantity, 'unit_price', v_line.amount, 'amount', v_line.amount * v_line.quantity, 'tax', v_tax,
      'total', v_line.amount * v_line.quantity, 'location', v_place.location_id));
    v_taken := v_taken || ROW(v_line.line_no, v_line.sku, v_line.name, v_line.quantity, v_line.amount, v_line.tax_rate, v_tax)::bench.taken;
  END LOOP;

  INSERT INTO orders.orders (id, channel_id, channel_code, kind, placed_at, recorded_at, market, currency, tax_included, amount,
    tax, total, quantity, ship_to, service, value)
  VALUES (v_order, v_channel.id, v_channel.code, 'sale', now(), now(), v_channel.market, v_channel.currency,
    v_channel.tax_included, v_amount, v_taxes, v_amount, v_units,
    jsonb_build_object('country', 'US', 'latitude', p_latitude, 'longitude', p_longitude), 'standard', v_amount)
  RETURNING number INTO v_number;
  INSERT INTO orders.lines (order_id, line_no, kind, sku, name, stocked, quantity, unit_price, amount, tax, total, taxes)
  SELECT v_order, line_no, 'item', sku, name, true, quantity, price / 100.0, price * quantity, tax, price * quantity,
    jsonb_build_array(jsonb_build_object('name', v_channel.tax_name, 'rate', tax_rate, 'amount', tax))
  FROM unnest(v_taken);
  INSERT INTO runtime.events (id, type, at, actor, request_id, subject, data)
  VALUES (uuidv7(), 'order.placed', now(), 'system', '', v_order, jsonb_build_object('order_id', v_order, 'number', v_number,
    'channel', v_channel.code, 'kind', 'sale', 'currency', v_channel.currency, 'total', v_amount, 'quantity', v_units,
    'backordered', 0, 'placed_at', now(), 'fact', false, 'lines', v_lines));
  INSERT INTO runtime.idempotency (scope, key, fingerprint, status, answer, at)
  VALUES ('bench', p_key, decode(md5(p_lines::text), 'hex'), 201, convert_to(jsonb_build_object('id', v_order, 'number', v_number,
    'total', v_amount, 'currency', v_channel.currency, 'lines', v_answer)::text, 'UTF8'), now());
  RETURN v_number;
END $$;
