// Runs before anything is drawn: a page that was set to dark never flashes white.
(() => {
  const chosen = localStorage.getItem("relearn.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
