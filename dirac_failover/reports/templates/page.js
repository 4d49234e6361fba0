
"use strict";
const rows = [...document.querySelectorAll("tr.clause")];
const shown = document.getElementById("shown");

function count() {
  const visible = rows.filter((row) => getComputedStyle(row).display !== "none").length;
  shown.textContent = visible === rows.length ? `All ${rows.length} clauses are shown` : `${visible} of ${rows.length} clauses are shown`;
}

document.addEventListener("change", count);
count();

if (!("commandForElement" in HTMLButtonElement.prototype)) { // an older browser: buttons do not open dialogs by themselves
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    if (button === null) return;
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "close") dialog.close();
    else dialog.showModal();
  });
}
