// Web Authentication in the browser: reads the options from the form and writes the response to it.
(() => {
  const form = document.querySelector("form[data-passkey]");
  const problem = document.getElementById("passkey-problem");
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace(/=+$/, "");
  const withBytes = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const say = (words) => {
    problem.textContent = words;
    problem.hidden = false;
  };

  const create = async (options) => {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: withBytes(options.excludeCredentials),
      },
    });
    return {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      response: {
        clientDataJSON: text(made.response.clientDataJSON),
        attestationObject: text(made.response.attestationObject),
      },
    };
  };

  const use = async (options) => {
    const used = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        allowCredentials: withBytes(options.allowCredentials),
      },
    });
    return {
      id: used.id,
      rawId: text(used.rawId),
      type: used.type,
      response: {
        clientDataJSON: text(used.response.clientDataJSON),
        authenticatorData: text(used.response.authenticatorData),
        signature: text(used.response.signature),
        userHandle: used.response.userHandle ? text(used.response.userHandle) : null,
      },
    };
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    if (!window.PublicKeyCredential) {
      say("此浏览器不支持通行密钥，请使用动态口令。");
      return;
    }
    const options = JSON.parse(form.dataset.options);
    try {
      const answer = await (form.dataset.passkey === "create" ? create(options) : use(options));
      form.elements.credential.value = JSON.stringify(answer);
    } catch (error) {
      say(
        error.name === "InvalidStateError"
          ? "此设备上已有您的通行密钥。"
          : "未能使用通行密钥：已取消、超时或设备不支持。请重试。",
      );
      return;
    }
    form.submit();
  });
})();
