"use strict";

const form = document.querySelector("form");
const message = document.getElementById("message");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
// Out of the address line and the history: the token must not stay where somebody may find it.
history.replaceState(null, "", location.pathname);

const CALLS = {
  "verify-email": () => ["/api/v1/auth/verify-email", { token }, "Your address is confirmed. You can log in now."],
  "reset-password": () => [
    "/api/v1/auth/password-reset/confirm",
    { token, new_password: form.password.value },
    "Your password is set. You can log in now.",
  ],
};

function say(text, isWrong) {
  message.textContent = text;
  message.className = isWrong ? "wrong" : "";
}

async function call(path, body) {
  const answer = await fetch(document.body.dataset.root + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    credentials: "omit",
    body: JSON.stringify(body),
  });
  if (answer.ok) return null;
  const problem = await answer.json();
  return problem.errors ? problem.errors.map((error) => error.detail).join(" ") : problem.detail;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.again && form.again.value !== form.password.value) {
    say("The two passwords differ.", true);
    return;
  }
  const [path, body, success] = CALLS[form.id]();
  const refusal = await call(path, body).catch(() => "The service cannot be reached; try again.");
  if (refusal === null) form.hidden = true;
  say(refusal ?? success, refusal !== null);
});

if (!token) {
  form.hidden = true;
  say("This link is not complete: open the one in the mail, or ask for another mail.", true);
}
