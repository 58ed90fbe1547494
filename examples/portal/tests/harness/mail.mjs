// A mail server that keeps what it is given, for `Stage.start` as `prepare` (RFC 5321).
import { createServer } from "node:net";

/** The text of a mail, decoded from quoted-printable where it is in it. */
function textOf(data) {
  const boundary = /boundary="([^"]+)"/.exec(data)[1];
  const part = data.split(`--${boundary}`).find((one) => /Content-Type: text\/plain/i.test(one));
  const [head, ...body] = part.trimStart().split("\r\n\r\n");
  const text = body.join("\r\n\r\n");
  if (/base64/i.test(head)) return Buffer.from(text, "base64").toString();
  if (!/quoted-printable/i.test(head)) return text;
  const bytes = text.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

/** Serves mail, and gives the portal a mail server. `stage.mails` has what has come, and `stage.refusedMail` is an address that is refused. */
export async function serveMail(stage) {
  stage.mails = [];
  const waiting = new Set();
  const server = createServer((socket) => {
    let [buffer, data, to] = ["", null, ""];
    const say = (line) => socket.write(`${line}\r\n`);
    say("220 sink ESMTP");
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      buffer += chunk.toString("latin1");
      for (let end = buffer.indexOf("\r\n"); end >= 0; end = buffer.indexOf("\r\n")) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (data !== null) {
          if (line !== ".") data += `${line.replace(/^\./, "")}\r\n`;
          else {
            stage.mails.push({ to, text: textOf(data) });
            data = null;
            say("250 2.0.0 taken");
            for (const check of waiting) check();
          }
        } else if (/^EHLO/i.test(line)) say("250-sink\r\n250 SMTPUTF8");
        else if (/^RCPT/i.test(line)) {
          to = /<(.*)>/.exec(line)[1];
          say(to === stage.refusedMail ? "550 5.1.1 no such user here" : "250 2.1.5 ok");
        } else if (/^DATA/i.test(line)) {
          data = "";
          say("354 go on");
        } else if (/^QUIT/i.test(line)) {
          say("221 2.0.0 bye");
          socket.end();
        } else say("250 2.0.0 ok");
      }
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  stage.later(() => new Promise((resolve) => server.close(resolve)));

  /** Waits for a mail to an address, and returns the link in the last one. Ten seconds at the most. */
  stage.linkTo = (address, number = 1) =>
    new Promise((resolve, reject) => {
      const check = () => {
        const mails = stage.mails.filter(({ to }) => to === address);
        if (mails.length < number) return;
        clearTimeout(timer);
        waiting.delete(check);
        resolve(/http\S+/.exec(mails.at(-1).text)[0]);
      };
      const timer = setTimeout(() => reject(new Error(`no mail to ${address}: ${stage.output}`)), 10_000);
      waiting.add(check);
      check();
    });
  return {
    DEZKY_SMTP_URL: `smtp://127.0.0.1:${server.address().port}`,
    DEZKY_MAIL_FROM: "dezky@dezky.example",
    DEZKY_PORTAL_URL: stage.portalUrl,
    DEZKY_ENROLMENT_URL: "https://auth.dezky.example/if/flow/enrolment/",
  };
}
