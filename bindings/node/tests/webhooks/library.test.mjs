// Holds the webhooks that Dezky sends, and the package's own verification, to the official library of Standard Webhooks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { Webhook } from 'standardwebhooks';

import webhooks from '../../lib/webhooks.cjs';

const { verifyWebhook, WebhookVerificationError } = webhooks;

let folder, server, world, receiver;
const arrived = [];

async function api(method, path, body) {
    const response = await fetch(world.origin + path, {
        method,
        headers: { authorization: `Bearer ${world.people.paul.token}`, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response.json();
}

/** Returns the next webhook of a type. */
async function next(type) {
    for (;;) {
        const found = arrived.findIndex((one) => JSON.parse(one.body).type === type);
        if (found >= 0) return arrived.splice(found, 1)[0];
        await once(receiver, 'webhook');
    }
}

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dezky-webhooks-'));
    server = spawn(process.env.DEZKY_TEST_BINARY, ['dev', '--json', '--no-systems', '--data', folder, '--listen', '127.0.0.1:0'], {
        stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await once(createInterface({ input: server.stdout }), 'line');
    world = JSON.parse(line);
    receiver = http.createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        arrived.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(204).end();
        receiver.emit('webhook');
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
});

after(async () => {
    receiver.close();
    receiver.closeAllConnections();
    server.kill('SIGTERM');
    await once(server, 'exit');
    await rm(folder, { recursive: true });
});

test('the official library verifies what is sent, through a rotation too', async () => {
    const tenant = await api('POST', '/tenants', { slug: 'acme', name: 'Acme GmbH' });
    const url = `http://127.0.0.1:${receiver.address().port}/hook`;
    const endpoint = await api('POST', '/event-endpoints', { tenantId: tenant.id, url, types: ['tenant.*'] });
    await api('PATCH', '/tenants/acme', { name: 'Acme AG' });
    const first = await next('tenant.update');
    const event = new Webhook(endpoint.secret).verify(first.body, first.headers);
    assert.deepEqual(event.data.changedFields, ['name']);
    assert.deepEqual(verifyWebhook(first.body, first.headers, endpoint.secret), event);
    const rotated = await api('POST', `/event-endpoints/${endpoint.id}/rotate`);
    await api('PATCH', '/tenants/acme', { name: 'Acme SE' });
    const second = await next('tenant.update');
    for (const secret of [endpoint.secret, rotated.secret]) {
        assert.deepEqual(new Webhook(secret).verify(second.body, second.headers), JSON.parse(second.body));
        verifyWebhook(second.body, second.headers, secret);
    }
});

test('the package verifies what the official library signs, and refuses what it refuses', () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    const official = new Webhook(secret);
    const body = JSON.stringify({ type: 'tenant.update', data: { name: 'Bücher' } });
    const now = new Date();
    const signed = (at = now, text = body) => ({
        'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(at / 1000)), 'webhook-signature': official.sign('msg_1', at, text),
    });
    assert.deepEqual(verifyWebhook(body, signed(), [other, secret]), JSON.parse(body));
    assert.deepEqual(verifyWebhook(Buffer.from(body), new Headers(signed()), secret), JSON.parse(body));
    const old = new Date(now.getTime() - 6 * 60_000);
    const early = new Date(now.getTime() + 6 * 60_000);
    const refused = [
        [body, signed(), other],
        [`${body} `, signed(), secret],
        [body, { ...signed(), 'webhook-id': 'msg_2' }, secret],
        [body, { ...signed(), 'webhook-signature': 'v2,abc v1,' }, secret],
        [body, { ...signed(), 'webhook-signature': undefined }, secret],
        [body, signed(old), secret],
        [body, signed(early), secret],
        [body, { ...signed(), 'webhook-timestamp': 'now' }, secret],
    ];
    for (const [text, headers, key] of refused) {
        assert.throws(() => new Webhook(key).verify(text, headers));
        assert.throws(() => verifyWebhook(text, headers, key), WebhookVerificationError);
    }
    assert.deepEqual(verifyWebhook(body, signed(old), secret, { now: old }), JSON.parse(body));
    for (const options of [{ tolerance: NaN }, { now: new Date(NaN) }]) {
        assert.throws(() => verifyWebhook(body, signed(), secret, options), WebhookVerificationError, 'what is no number tolerates nothing');
    }
    for (const wrong of ['secret', 'whsec_', 'whsec_&', `whsec_${secret}`, undefined]) {
        assert.throws(() => verifyWebhook(body, signed(), [secret, wrong]), { name: 'TypeError', message: /whsec_/ });
    }
});
