// A person's browser: keeps cookies, follows links, fills in forms and presses buttons.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import { fetchWith, input } from "./input.mjs";

const TOO_MANY = 10;

export class Browser {
  #person;
  #cookies = new Map();
  #fetch = fetchWith();
  #usedStep = 0;
  /** The pages that were shown, oldest first. */
  pages = [];

  constructor(person) {
    this.#person = { name: person, ...input.people?.[person] };
  }

  /** From the address a client sends somebody to, to the address they are sent back to. */
  async visit(url, decision = "approve") {
    const site = new URL(url).origin;
    let request = { method: "GET", url: new URL(url) };
    for (let pages = 0; pages < TOO_MANY; pages += 1) {
      const answer = await this.#send(request);
      const page = await answer.text();
      if (answer.status === 303) {
        const next = new URL(answer.headers.get("location"), request.url);
        if (next.origin !== site) return next;
        request = { method: "GET", url: next };
        continue;
      }
      assert.equal(answer.status, 200, heading(page));
      request = this.fill(page, request.url, decision);
    }
    throw new Error("the pages go round in circles");
  }

  async #send({ method, url, form }) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = cookie === "" ? {} : { cookie };
    const answer = await this.#fetch(url, { method, headers, body: form, redirect: "manual" });
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      this.#cookies.set(name, value);
    }
    return answer;
  }

  /** What is posted next, for the page that is shown. */
  fill(page, from, decision) {
    const [, action] = /<form\b[^>]* action="([^"]+)"/.exec(page) ?? assert.fail(heading(page));
    const [, csrf] = /name="csrf" value="([^"]+)"/.exec(page);
    const form = new URLSearchParams({ csrf });
    const has = (name) => page.includes(`name="${name}"`);
    if (has("password")) {
      this.pages.push("sign-in");
      form.set("username", this.#person.name);
      form.set("password", this.#person.password);
      form.set("login", "yes");
    } else if (has("otp")) {
      this.pages.push("second factor");
      form.set("otp", this.#code());
      form.set("verify", "yes");
    } else if (has("logout")) {
      this.pages.push("sign-out");
      form.set("logout", "yes");
    } else {
      this.pages.push("consent");
      assert.ok(has(decision), heading(page));
      form.set(decision, "yes");
    }
    return { method: "POST", url: new URL(unescaped(action), from), form };
  }

  /** What an authenticator app shows (RFC 6238); the next code if this one has been typed already. */
  #code() {
    const step = Math.max(Math.floor(Date.now() / 30_000), this.#usedStep + 1);
    this.#usedStep = step;
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac("sha1", base32(this.#person.totp)).update(counter).digest();
    const number = mac.readUInt32BE(mac[19] & 15) & 0x7fff_ffff;
    return String(number % 1_000_000).padStart(6, "0");
  }
}

/** What a page is about. */
function heading(page) {
  return /<h1[^>]*>(.*?)<\/h1>/s.exec(page)?.[1] ?? page;
}

function base32(text) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0"));
  return Buffer.from(bits.join("").match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

function unescaped(text) {
  return text.replaceAll("&amp;", "&").replaceAll("&#38;", "&");
}
