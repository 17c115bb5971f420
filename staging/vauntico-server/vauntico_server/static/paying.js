// Buying needs a browser that reaches Paystack, and Paystack's payment script shows whether it does.
// Without JavaScript nothing here runs, and the form sends customers to Paystack as it is.
(() => {
  "use strict";
  const LIMIT_MS = 3000;
  const SAYS =
    "This browser cannot reach Paystack's payment page at the moment, so buying is switched off " +
    "here. You have not been charged, and no order was made. Please load this page again in a " +
    "minute. If it goes on, allow js.paystack.co in your ad blocker or network, or use another " +
    "browser. Everything you own keeps working.";
  const address = document.currentScript.dataset.script;
  const forms = [...document.querySelectorAll('form[action="/buy"]')];
  let state = "waiting";
  let pressed = null;
  let message = null;

  const show = (missing) => {
    for (const form of forms) form.querySelector("button").disabled = missing;
    if (!missing) {
      message?.remove();
      return;
    }
    message = document.createElement("p");
    message.className = "note unavailable";
    message.dataset.testid = "checkout-message";
    message.dataset.outcome = "unavailable";
    message.dataset.reason = "script";
    message.setAttribute("role", "alert");
    message.textContent = SAYS;
    document.querySelector(".plans").before(message);
  };

  // A customer who was told that it does not work is not sent on by a script that comes late.
  const missing = () => {
    if (state !== "waiting") return;
    state = "missing";
    pressed = null;
    show(true);
  };

  const loaded = () => {
    // A page that a network puts in the script's place arrives as well, and is none.
    if (!window.PaystackPop) {
      missing();
      return;
    }
    const before = state;
    state = "ready";
    if (before === "missing") show(false);
    pressed?.submit();
  };

  for (const form of forms) {
    form.addEventListener("submit", (event) => {
      if (state === "ready") return;
      event.preventDefault();
      if (state === "waiting") pressed = form;
    });
  }

  // Only once the page is there: an address that never answers keeps no page from being shown.
  const load = () => {
    const script = document.createElement("script");
    script.src = address;
    script.async = true;
    script.addEventListener("load", loaded);
    script.addEventListener("error", missing);
    setTimeout(missing, LIMIT_MS);
    document.head.append(script);
  };
  if (document.readyState === "complete") load();
  else window.addEventListener("load", load, { once: true });
})();
