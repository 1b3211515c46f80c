// The theme of the Airflow page around the frame; links to Airflow leave the frame, which is sandboxed.
const framed = window.parent !== window;

function followTheme() {
  const airflow = framed ? window.parent.document.documentElement : null;
  const show = () => {
    const dark = airflow ? airflow.classList.contains("dark") : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  show();
  if (airflow) new MutationObserver(show).observe(airflow, { attributes: true, attributeFilter: ["class"] });
  else matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
}

function leaveFrame(event) {
  const link = event.target.closest("a[data-airflow]");
  if (!framed || !link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const outside = window.parent.document.createElement("a"); // a frame may not move its parent, its parent may
  outside.href = link.href;
  outside.click();
}

followTheme();
document.addEventListener("click", leaveFrame);
document.documentElement.toggleAttribute("data-framed", framed);
