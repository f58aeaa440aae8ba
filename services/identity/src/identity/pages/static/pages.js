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
})();
