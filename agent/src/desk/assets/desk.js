(function () {
  "use strict";

  /* A second click within a second is a slip of the finger. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.getAttribute("data-sent") === "yes") {
      event.preventDefault();
      return;
    }
    form.setAttribute("data-sent", "yes");
    setTimeout(function () { form.removeAttribute("data-sent"); }, 1000);
  });

  Array.prototype.forEach.call(document.querySelectorAll("[data-print]"), function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });

  var summary = document.querySelector(".summary");
  if (summary) { summary.focus(); }

  /* What lives on the page is asked for again each ten seconds, while somebody looks. */
  var live = document.querySelector("[data-live]");
  if (live && window.fetch && window.DOMParser) {
    setInterval(function () {
      if (document.hidden || live.contains(document.activeElement)) { return; }
      fetch(location.href, { credentials: "same-origin" }).then(function (answer) {
        return answer.ok ? answer.text() : "";
      }).then(function (text) {
        var page = new DOMParser().parseFromString(text, "text/html");
        var fresh = page.querySelector("[data-live]");
        if (fresh && fresh.innerHTML !== live.innerHTML) { live.innerHTML = fresh.innerHTML; }
        var menu = document.querySelector(".menu");
        var now = page.querySelector(".menu");
        if (menu && now && now.innerHTML !== menu.innerHTML && !menu.contains(document.activeElement)) {
          menu.innerHTML = now.innerHTML;
        }
      }).catch(function () { return null; });
    }, 10000);
  }
}());
