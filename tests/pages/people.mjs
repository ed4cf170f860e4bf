// What people do: they sign in, approve, decline, make mistakes, use the keyboard alone, and sign out.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import fs from "node:fs";
import { chromium } from "playwright-core";
import { focused, inspect, ok, watch } from "./inspect.mjs";

const bank = JSON.parse(fs.readFileSync(0, "utf8"));
fs.mkdirSync(process.env.PICTURES, { recursive: true });

const CALLBACK = `${bank.elsewhere}/callback`;
const BYE = `${bank.elsewhere}/bye`;
const SIGN_IN = ["username", "password", "login", "deny"];
const CODE = ["otp", "verify", "deny"];
const CONSENT = ["switch", "approve", "deny"];

const which = process.env.BROWSER;
const found = process.env.PATH.split(":").map((folder) => `${folder}/${which}`);
const browser = await chromium.launch({
  executablePath: found.find((path) => fs.existsSync(path)),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

/** A browser of somebody who was never here. */
async function stranger(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await watch(page);
  return page;
}

function authorize(request) {
  const query = new URLSearchParams({ client_id: bank.client_id, request_uri: request });
  return `${bank.issuer}/authorize?${query}`;
}

async function press(page, button) {
  await Promise.all([page.waitForNavigation(), page.click(`#${button}`)]);
}

async function signIn(page, username, password = bank.password) {
  await page.fill("#username", username);
  await page.fill("#password", password);
  await press(page, "login");
}

/** RFC 6238, as an authenticator app does it. */
function code(username) {
  const digits = [...bank.totp[username]].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c));
  const bits = digits.map((digit) => digit.toString(2).padStart(5, "0")).join("");
  const bytes = bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", Buffer.from(bytes)).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** What came back to the client. */
function landed(page, at = CALLBACK) {
  const url = new URL(page.url());
  assert.equal(url.origin + url.pathname, at);
  return Object.fromEntries(url.searchParams);
}

/** Whoever reads the screen aloud hears what went wrong, and stands where it can be mended. */
async function announced(page, control, words) {
  const alert = page.getByRole("alert");
  assert.equal(await alert.count(), 1);
  assert.match(await alert.textContent(), words);
  assert.equal(await page.getAttribute(`#${control}`, "aria-invalid"), "true");
  assert.equal(await page.getAttribute(`#${control}`, "aria-describedby"), "problem");
  await focused(page, control);
  ok(`what went wrong is announced, and the focus is on ${control}`);
}

async function throughEveryPage() {
  const page = await stranger();
  await page.goto(authorize(bank.accounts[0]));
  await inspect(page, "login", { title: "Sign in", tabs: SIGN_IN, focused: "username" });
  await signIn(page, "bob", "wrong");
  await announced(page, "password", /do not match/);
  assert.equal(await page.inputValue("#username"), "bob");
  await inspect(page, "login refused", {
    status: 403,
    title: "Error: Sign in",
    tabs: SIGN_IN,
    focused: "password",
  });
  await signIn(page, "bob");
  await inspect(page, "second factor", { title: "Enter your code", tabs: CODE, focused: "otp" });
  await page.fill("#otp", "000 000");
  await press(page, "verify");
  await announced(page, "otp", /not right/);
  await inspect(page, "second factor refused", {
    status: 403,
    title: "Error: Enter your code",
    tabs: CODE,
    focused: "otp",
  });
  await page.fill("#otp", code("bob"));
  await press(page, "verify");
  await inspect(page, "consent accounts", { title: "Approve access", tabs: CONSENT });
  const text = await page.textContent("main");
  for (const shown of ["Budget Planner", "Bob Example", "See your accounts", "Make payments"]) {
    assert.ok(text.includes(shown), shown);
  }
  await press(page, "approve");
  const { code: given, state, iss } = landed(page);
  assert.ok(given);
  assert.deepEqual({ state, iss }, { state: "the state", iss: bank.issuer });
  ok("who signs in with two factors and approves comes back with a code");

  const response = await page.goto(authorize(bank.accounts[0]));
  assert.equal(response.status(), 400);
  await inspect(page, "error", { status: 400, title: "This request has been answered" });
  assert.match(await page.textContent("main"), /invalid_request_uri/);
  ok("a request that was answered is not answered again");
  await page.context().close();
}

async function byKeyboardAlone() {
  const page = await stranger();
  const enter = () => Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await page.goto(authorize(bank.payments[0]));
  await focused(page, "username");
  await page.keyboard.type("carol");
  await page.keyboard.press("Tab");
  await page.keyboard.type(bank.password);
  await enter();
  await focused(page, "otp");
  await page.keyboard.type(code("carol"));
  await enter();
  const text = await page.textContent(".detail");
  for (const shown of ["1,123.50", "EUR", "Merchant A Ltd", "DE02 1001 0010 9307 1186 03"]) {
    assert.ok(text.includes(shown) || text.includes(shown.replace(",", "")), `${shown}: ${text}`);
  }
  // Nothing has the focus: a key that is pressed too early approves nothing.
  await page.keyboard.press("Enter");
  assert.match(page.url(), /\/consent\?/);
  for (const id of CONSENT.slice(0, 2)) {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), id);
  }
  await enter();
  assert.ok(landed(page).code);
  ok("the keyboard alone will do, for a payment too");

  await page.goto(authorize(bank.payments[1]));
  await inspect(page, "consent payment", { title: "Approve access", tabs: CONSENT });
  await press(page, "deny");
  assert.equal(landed(page).error, "access_denied");
  ok("who is still signed in is asked for each payment, and can decline it");
  await page.context().close();
}

async function withoutScript() {
  const page = await stranger({ javaScriptEnabled: false });
  await page.goto(authorize(bank.accounts[1]));
  await signIn(page, "alice");
  await press(page, "deny");
  assert.equal(landed(page).error, "access_denied");
  await page.context().clearCookies();
  await page.goto(authorize(bank.accounts[2]));
  await press(page, "deny");
  assert.equal(landed(page).error, "access_denied");
  ok("pages work where scripts are off, and who cancels or declines comes back with an error");
  await page.context().close();
}

async function asSomebodyElse() {
  const page = await stranger();
  await page.goto(authorize(bank.accounts[3]));
  await signIn(page, "alice");
  assert.match(await page.textContent("main"), /Alice Example/);
  await press(page, "switch");
  assert.match(page.url(), /\/login\?/);
  await page.goBack();
  assert.match(page.url(), /\/login\?/, "nobody is signed in, and no page was kept");
  await signIn(page, "alice");
  await press(page, "approve");
  assert.ok(landed(page).code);
  ok("who is somebody else signs in anew for the same request");
  await page.context().close();
}

async function signingOut() {
  const page = await stranger();
  await page.goto(authorize(bank.accounts[4]));
  await signIn(page, "alice");
  const consent = page.url();
  const query = new URLSearchParams({
    client_id: bank.client_id,
    post_logout_redirect_uri: BYE,
    state: "so long",
  });
  const endSession = `${bank.issuer}/end-session`;
  await page.goto(`${endSession}?${query}`);
  await inspect(page, "logout", { title: "Sign out", tabs: ["logout", "deny"] });
  assert.match(await page.textContent("main"), /Alice Example/);
  await press(page, "deny");
  await inspect(page, "still signed in", { title: "You are still signed in" });
  await page.goto(`${endSession}?${query}`);
  await press(page, "logout");
  assert.deepEqual(landed(page, BYE), { state: "so long" });
  const left = await page.context().cookies(bank.issuer);
  assert.deepEqual(left, []);
  ok("who confirms is signed out and comes back with the state");

  const response = await page.goto(consent);
  assert.equal(response.status(), 400);
  ok("what was open in the browser cannot be approved any more");
  await page.goto(endSession);
  await inspect(page, "signed out", { title: "You are signed out" });
  const refused = await page.goto(`${endSession}?post_logout_redirect_uri=${BYE}`);
  assert.equal(refused.status(), 400);
  await inspect(page, "logout refused", { status: 400, title: "You were not signed out" });
  await page.context().close();
}

/** A form that another site posts comes without the session's cookie, and still finds who is signed in. */
async function signingOutFromElsewhere() {
  const page = await stranger();
  await page.goto(authorize(bank.accounts[5]));
  await signIn(page, "alice");
  await page.goto(`${bank.elsewhere}/`);
  const leave = (path) =>
    Promise.all([
      page.waitForNavigation(),
      page.evaluate((action) => {
        document.body.innerHTML = `<form method=post action="${action}"><input name=logout value=yes></form>`;
        document.forms[0].submit();
      }, bank.issuer + path),
    ]);
  await leave("/end-session");
  assert.match(await page.textContent("h1"), /Sign out of/);
  await page.goto(`${bank.elsewhere}/`);
  await leave("/logout");
  assert.match(await page.textContent("h1"), /Sign out of/);
  assert.match(await page.textContent("main"), /Alice Example/);
  ok("another site can have somebody asked, and never signed out");
  await page.context().close();
}

async function inAFrame() {
  const page = await stranger();
  for (const path of [authorize(bank.accounts[6]), `${bank.issuer}/logout`]) {
    const refused = page.waitForEvent("console", (message) =>
      message.text().includes("frame-ancestors 'none'"),
    );
    await page.goto(`${bank.elsewhere}/frame?${new URLSearchParams({ url: path })}`);
    await refused;
    const [, frame] = page.frames();
    assert.equal(await frame.locator("form, .brand").count(), 0);
  }
  ok("nobody puts the pages into a frame");
  await page.context().close();
}

try {
  await throughEveryPage();
  await byKeyboardAlone();
  await withoutScript();
  await asSomebodyElse();
  await signingOut();
  await signingOutFromElsewhere();
  await inAFrame();
} finally {
  await browser.close();
}
