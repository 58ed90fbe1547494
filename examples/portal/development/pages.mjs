// Pages of the development provider.

const escaped = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const page = (title, content) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #16181d; --quiet: #5c6370; --line: #dfe2e8; --strong: #16181d; --on-strong: #fff; --bad: #b42318; }
  @media (prefers-color-scheme: dark) { :root { --ground: #0e1014; --card: #16191f; --text: #eceef2; --quiet: #9aa2b1; --line: #2a2f39; --strong: #eceef2; --on-strong: #16181d; --bad: #ff8a7a; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
  main { width: 100%; max-width: 380px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 32px; }
  h1 { margin: 0 0 4px; font-size: 20px; letter-spacing: -0.01em; }
  p { margin: 0 0 20px; color: var(--quiet); }
  label { display: block; margin: 0 0 6px; font-weight: 550; font-size: 14px; }
  input { width: 100%; margin: 0 0 16px; padding: 10px 12px; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 8px; }
  button { width: 100%; padding: 11px; font: inherit; font-weight: 600; color: var(--on-strong); background: var(--strong); border: 0; border-radius: 8px; cursor: pointer; }
  .bad { color: var(--bad); }
</style>
</head>
<body><main>${content}</main></body>
</html>`;

/** Asks for e-mail address and password. */
export const signInPage = ({ path, email, failed }) =>
  page(
    "Sign in",
    `<h1>Sign in to Dezky</h1>
<p>The identity provider for development.</p>
${failed ? '<p class="bad" role="alert">The e-mail address or the password is wrong.</p>' : ""}
<form method="post" action="${escaped(path)}">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" required autofocus value="${escaped(email)}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button>
</form>`,
  );

/** Asks whether to sign out here too. */
export const signOutPage = (ctx, form) => {
  ctx.type = "html";
  return page(
    "Sign out",
    `<h1>Sign out?</h1>
<p>This ends your session at the identity provider, too.</p>
${form}
<button form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>`,
  );
};

/** Says that the person is signed out, to whom no application waits for. */
export const signedOutPage = (ctx) => {
  ctx.type = "html";
  return page("Signed out", "<h1>You are signed out</h1>\n<p>You can close this page.</p>");
};
