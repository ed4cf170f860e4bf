// What has to hold on every page, whatever is on it.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCHEMES = ["light", "dark"];
const WIDTHS = [360, 1280];

/** A line for each thing that was seen to be right. */
export function ok(what) {
  console.log(`ok ${what}`);
}

/** Watches a page from its beginning: what it prints, what it loads, what its policy forbids. */
export async function watch(page) {
  const seen = { errors: [], loaded: [], response: null };
  page.on("console", (message) => {
    // That an answer has a status of 400 and more is said by the browser itself.
    const status = /^Failed to load resource: the server responded with a status of/;
    if (["error", "warning"].includes(message.type()) && !status.test(message.text())) {
      seen.errors.push(message.text());
    }
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => {
    if (!request.isNavigationRequest()) seen.loaded.push(request.url());
  });
  page.on("response", (response) => {
    const main = response.request().isNavigationRequest() && response.frame() === page.mainFrame();
    if (main && response.status() !== 303) seen.response = response;
  });
  await page.addInitScript(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", (event) => {
      globalThis.violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
    });
  });
  page.seen = seen;
}

/**
 * Waits until the control has the focus. A browser moves it to what has `autofocus` when it draws the page for the first
 * time, which on a slow machine is after the page has been loaded; keys that are pressed before go nowhere.
 */
export async function focused(page, id) {
  await page.locator(`#${id}:focus`).waitFor();
}

/**
 * Looks at the page that is shown.
 * `tabs`: the ids of the controls in the order of the Tab key. `focused`: the one that has the focus from the beginning.
 */
export async function inspect(page, name, { status = 200, tabs = [], focused: expected = null, title }) {
  headers(page, name, status);
  await outline(page, name, title);
  await sizes(page, name);
  await focus(page, name, tabs, expected);
  assert.deepEqual(await page.evaluate(() => globalThis.violations), [], `${name}: policy`);
  await accessible(page, name);
  assert.deepEqual(page.seen.errors, [], `${name}: console`);
  assert.deepEqual(page.seen.loaded, [], `${name}: nothing beside the page is loaded`);
  ok(`${name}: headers, outline, focus, sizes, contrast and names, in light and dark`);
}

function headers(page, name, status) {
  assert.equal(page.seen.response.status(), status, name);
  const headers = page.seen.response.headers();
  const policy = headers["content-security-policy"];
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"]) {
    assert.ok(policy.includes(part), `${name}: ${policy}`);
  }
  assert.ok(!/script-src|unsafe/.test(policy), `${name}: ${policy}`);
  assert.match(headers["strict-transport-security"], /^max-age=\d{8,}/, name);
  for (const [header, expected] of [
    ["referrer-policy", "no-referrer"],
    ["cache-control", "no-store"],
    ["x-frame-options", "DENY"],
    ["x-content-type-options", "nosniff"],
    ["content-type", "text/html; charset=utf-8"],
  ]) {
    assert.equal(headers[header], expected, `${name}: ${header}`);
  }
}

async function outline(page, name, title) {
  const seen = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    title: document.title,
    headings: document.querySelectorAll("h1").length,
    scripts: document.scripts.length,
    unnamed: [...document.querySelectorAll("input:not([type=hidden]), button")]
      .filter((control) => {
        const label = control.labels?.[0]?.textContent ?? "";
        const text = control.tagName === "BUTTON" ? control.textContent : label;
        return text.trim() === "" || control.id === "" || control.name !== control.id;
      })
      .map((control) => control.outerHTML),
  }));
  assert.deepEqual(
    seen,
    { lang: "en", title: `${title} \u2013 Example Bank`, headings: 1, scripts: 0, unnamed: [] },
    name,
  );
}

async function focus(page, name, tabs, expected) {
  const active = () => page.evaluate(() => document.activeElement.id);
  if (expected) await focused(page, expected);
  assert.equal(await active(), expected ?? "", `${name}: focus`);
  // From the top of the page, whatever has the focus.
  await page.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
  });
  const order = [];
  for (const _ of tabs) {
    await page.keyboard.press("Tab");
    order.push(await active());
    const visible = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2;
    });
    assert.ok(visible, `${name}: the focus on ${order.at(-1)} can be seen`);
  }
  assert.deepEqual(order, tabs, `${name}: order of the Tab key`);
}

async function sizes(page, name) {
  for (const width of [320, ...WIDTHS]) {
    await page.setViewportSize({ width, height: width < 500 ? 740 : 860 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${name}: ${wide} px at ${width}`);
    // WCAG 2.2, 2.5.8 wants 24.
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("input:not([type=hidden]), button")]
        .filter((control) => control.getBoundingClientRect().height < 44)
        .map((control) => control.id),
    );
    assert.deepEqual(small, [], `${name}: large enough to be touched at ${width}`);
    if (!WIDTHS.includes(width)) continue;
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const path = `${process.env.PICTURES}/${name.replaceAll(" ", "-")}-${colorScheme}-${width}.png`;
      await page.screenshot({ path, fullPage: true });
    }
  }
}

async function accessible(page, name) {
  await page.evaluate(axe);
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    const violations = await page.evaluate(async () => {
      const { violations } = await globalThis.axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
    });
    assert.deepEqual(violations, [], `${name}: ${colorScheme}`);
  }
}
