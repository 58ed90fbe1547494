// Holds Dezky's client of Stripe and its emulator to Stripe's own library: what it builds, what it reads, and what it signs.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import Stripe from 'stripe';

const BINARY = process.env.DEZKY_TEST_BINARY;
const PLANS = JSON.stringify({ starter: { seats: 5, files_gib: 50, mailbox_gib: 10, prices: ['price_starter'] } });

let folder, server, world, proxy, recorded, stripe;

/** Passes requests on to the emulator, and keeps them. */
async function recording(target) {
    const kept = [];
    const listener = http.createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const body = Buffer.concat(chunks);
        const { hostname, port } = new URL(target);
        const onward = http.request({ hostname, port, method: request.method, path: request.url, headers: request.headers });
        onward.end(body);
        const [answer] = await once(onward, 'response');
        const parts = [];
        for await (const chunk of answer) parts.push(chunk);
        kept.push({
            method: request.method,
            path: request.url,
            type: request.headers['content-type'],
            version: request.headers['stripe-version'],
            authorization: request.headers.authorization,
            key: request.headers['idempotency-key'],
            form: [...new URLSearchParams(body.toString())].sort(([one], [other]) => (one < other ? -1 : 1)),
        });
        response.writeHead(answer.statusCode, answer.headers);
        response.end(Buffer.concat(parts));
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return { kept, listener, port: listener.address().port };
}

/** Runs a command of the operators against the same store and, through the recording, the same Stripe. */
async function dezky(...command) {
    const { stdout } = await promisify(execFile)(BINARY, [...command, '--json'], {
        cwd: folder,
        env: {
            PATH: process.env.PATH,
            DEZKY_STORE: `sqlite:${join(folder, 'dezky.sqlite')}`,
            DEZKY_PLANS: PLANS,
            DEZKY_STRIPE_URL: `http://127.0.0.1:${proxy.port}`,
            DEZKY_STRIPE_SECRET: world.billing.key,
            DEZKY_STRIPE_WEBHOOK_SECRETS: world.billing.webhookSecret,
            DEZKY_PORTAL_URL: 'https://portal.example.eu',
        },
    });
    return JSON.parse(stdout);
}

async function api(method, path, body) {
    const response = await fetch(world.origin + path, {
        method,
        headers: { authorization: `Bearer ${world.people.paul.token}`, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
    });
    return response.json();
}

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dezky-stripe-'));
    server = spawn(BINARY, ['dev', '--json', '--no-systems', '--data', folder, '--listen', '127.0.0.1:0'], {
        stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await once(createInterface({ input: server.stdout }), 'line');
    world = JSON.parse(line);
    proxy = await recording(world.billing.url);
    recorded = proxy.kept;
    stripe = new Stripe(world.billing.key, { host: '127.0.0.1', port: proxy.port, protocol: 'http', maxNetworkRetries: 0 });
    await api('POST', '/tenants', { slug: 'acme', name: 'Acme GmbH', billingInfo: { email: 'billing@acme.example' } });
});

after(async () => {
    proxy.listener.close();
    proxy.listener.closeAllConnections();
    server.kill('SIGTERM');
    await once(server, 'exit');
    await rm(folder, { recursive: true });
});

/** Takes the request that was recorded last. */
const last = () => recorded.splice(0).at(-1);

/** What has to be the same; keys and versions only have to be there. The library names a type where there is no body, too. */
const shape = ({ method, path, type, form, authorization }) => ({ method, path, type: form.length ? type?.split(';')[0] : '', form, authorization });

test('requests are those that the library builds', async () => {
    const tenant = (await api('GET', '/tenants/acme')).id;
    await dezky('billing', 'checkout', 'acme', '--plan', 'starter', '--seats', '7');
    const [ours, session] = recorded.splice(0);
    const customer = await stripe.customers.create({
        name: 'Acme GmbH', email: 'billing@acme.example', metadata: { tenant_id: tenant },
    });
    assert.deepEqual(shape(ours), shape(last()));
    const used = new Map(session.form).get('customer');
    assert.notEqual(used, customer.id);
    const page = (outcome) => `https://portal.example.eu/tenants/acme/subscription?checkout=${outcome}`;
    await stripe.checkout.sessions.create({
        mode: 'subscription', customer: used, client_reference_id: tenant, success_url: page('done'), cancel_url: page('left'),
        line_items: [{ price: 'price_starter', quantity: 7 }], subscription_data: { metadata: { tenant_id: tenant } },
        tax_id_collection: { enabled: true }, customer_update: { name: 'auto', address: 'auto' },
    });
    assert.deepEqual(shape(session), shape(last()));

    await dezky('billing', 'portal', 'acme');
    const portal = last();
    await stripe.billingPortal.sessions.create({ customer: used, return_url: 'https://portal.example.eu/tenants/acme/subscription' });
    assert.deepEqual(shape(portal), shape(last()));

    await dezky('subscription', 'create', 'acme', '--plan', 'starter', '--seats', '3');
    await dezky('subscription', 'bill', 'acme');
    const [subscribed, read] = recorded.splice(0);
    const other = await stripe.subscriptions.create({
        customer: used, collection_method: 'send_invoice', days_until_due: 14, metadata: { tenant_id: tenant },
        items: [{ price: 'price_starter', quantity: 3 }],
    });
    assert.deepEqual(shape(subscribed), shape(last()));
    await stripe.subscriptions.retrieve(read.path.split('/').at(-1));
    assert.deepEqual(shape(read), shape(last()));
    for (const request of [ours, session, portal, subscribed]) {
        assert.match(request.key, /^dezky-/);
        assert.equal(request.version, Stripe.API_VERSION ?? '2026-10-28.endive');
    }
    await stripe.subscriptions.cancel(other.id);
});

test('the emulator answers as the library expects', async () => {
    const customer = await stripe.customers.create({ name: 'Beta' }, { idempotencyKey: 'one' });
    assert.equal((await stripe.customers.create({ name: 'Beta' }, { idempotencyKey: 'one' })).id, customer.id);
    await assert.rejects(stripe.customers.create({ name: 'Gamma' }, { idempotencyKey: 'one' }), Stripe.errors.StripeError);
    await assert.rejects(stripe.subscriptions.retrieve('sub_none'), (error) => error.code === 'resource_missing' && error.statusCode === 404);
    const refused = new Stripe('sk_test_other', { host: '127.0.0.1', port: proxy.port, protocol: 'http', maxNetworkRetries: 0 });
    await assert.rejects(refused.customers.create({}), Stripe.errors.StripeAuthenticationError);
    for (let number = 0; number < 5; number += 1) {
        await stripe.subscriptions.create({ customer: customer.id, items: [{ price: 'price_starter' }] });
    }
    const seen = [];
    for await (const subscription of stripe.subscriptions.list({ customer: customer.id, limit: 2 })) {
        assert.equal(subscription.items.data[0].price.id, 'price_starter');
        assert.equal(typeof subscription.items.data[0].current_period_end, 'number');
        seen.push(subscription.id);
    }
    assert.equal(new Set(seen).size, 5);
    const ended = await stripe.subscriptions.cancel(seen[0]);
    assert.deepEqual([ended.status, typeof ended.ended_at], ['canceled', 'number']);
});

test('events that the library signs are taken, and others are refused', async () => {
    const payload = JSON.stringify({
        id: 'evt_of_the_library', object: 'event', type: 'invoice.paid', api_version: '2026-10-28.endive', created: 1,
        data: { object: { id: 'in_1', object: 'invoice', customer: 'cus_1', note: 'Größe ✓' } },
    }, null, 2);
    const send = async (header, body = payload) => {
        const response = await fetch(`${world.origin}/billing/stripe/webhook`, {
            method: 'POST', body, headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': header },
        });
        return response.status === 200 ? 200 : (await response.json()).code;
    };
    const sign = (options = {}) => stripe.webhooks.generateTestHeaderString({ payload, secret: world.billing.webhookSecret, ...options });
    const now = Math.floor(Date.now() / 1000);
    assert.equal(await send(sign()), 200);
    assert.equal(await send(sign()), 200, 'a repetition is taken, and changes nothing');
    assert.equal(await send(sign({ secret: 'whsec_another' })), 'webhook_signature_refused');
    assert.equal(await send(sign({ scheme: 'v0' })), 'webhook_signature_missing');
    assert.equal(await send(sign({ timestamp: now - 400 })), 'webhook_stale');
    assert.equal(await send(sign({ timestamp: now + 400 })), 'webhook_stale');
    assert.equal(await send(sign(), payload.replace('in_1', 'in_2')), 'webhook_signature_refused');
    // What the library takes, Dezky takes, and the other way round.
    assert.equal(stripe.webhooks.constructEvent(payload, sign(), world.billing.webhookSecret).id, 'evt_of_the_library');
});

test('a subscription that is paid on the emulated page is one of the tenant', async () => {
    await api('POST', '/tenants', { slug: 'beta', name: 'Beta', status: 'active' });
    const { url } = await api('POST', '/tenants/beta/billing/checkout', { plan: 'business', seats: 30 });
    assert.match(await (await fetch(url)).text(), /30 seats at <code>price_business<\/code>/);
    const paid = await fetch(url, { method: 'POST', redirect: 'manual' });
    assert.equal(paid.status, 303);
    assert.match(paid.headers.get('location'), /\/tenants\/beta\/subscription\?checkout=done$/);
    const tenant = (await api('GET', '/tenants/beta')).id;
    let found = [];
    const deadline = Date.now() + 20_000;
    while (found.length === 0 && Date.now() < deadline) {
        found = (await api('GET', `/subscriptions?tenantId=${tenant}`)).items;
        if (found.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(found.map(({ plan, seats, status }) => ({ plan, seats, status })), [{ plan: 'business', seats: 30, status: 'active' }]);
});
