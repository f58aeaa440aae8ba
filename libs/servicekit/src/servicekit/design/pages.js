// Comfort for browsers that run scripts; every page works without it.
(() => {
  // A button that would be refused until some seconds have passed counts them down and then works.
  for (const button of document.querySelectorAll("button[data-wait]")) {
    const words = button.textContent;
    const hint = button.form.querySelector(".hint");
    const until = performance.now() + Number(button.dataset.wait) * 1000;
    const show = () => {
      const left = Math.ceil((until - performance.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? `${words}（${left} 秒）` : words;
      if (left > 0) {
        setTimeout(show, 250);
      } else if (hint) {
        hint.textContent = "没有收到？现在可以重新获取。";
      }
    };
    show();
  }

  // Copy, download and print what is shown once.
  for (const part of document.querySelectorAll("[data-needs-script]")) {
    part.hidden = false;
  }
  const words = (id) => {
    const found = document.getElementById(id);
    const items = [...found.querySelectorAll("li")].map((item) => item.textContent.trim());
    return items.length ? items.join("\n") : found.textContent.trim();
  };
  const say = (button, text) => {
    button.parentElement.querySelector("[role=status]").textContent = text;
  };
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(words(button.dataset.copy));
        say(button, "已复制");
      } catch {
        say(button, "浏览器不允许复制，请手工选取");
      }
    });
  }
  for (const button of document.querySelectorAll("[data-download]")) {
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([words(button.dataset.download) + "\n"], { type: "text/plain" }));
      link.download = button.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      say(button, "已下载");
    });
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", () => window.print());
  }
})();
