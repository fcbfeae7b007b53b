// Sets the theme before anything is drawn. A file of its own, since inline scripts are forbidden.
try {
  const theme = localStorage.getItem("headrace.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing for this page: the system's theme it is.
}
