"""A reminder's page as a phone shows it: 360 pixels wide, by day and by night, in Chromium. With a file name, a picture of it.

The page comes from `mejora reminder preview`, so it is the one that the worker sends. Without a Chromium on this machine
the tests say so and are left out."""

import html
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mejora import Client, Server, Tap

WIDTH, HEIGHT = 360, 760
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
ACTIONS = ["Señalización y accesibilidad de la sede central para las personas con discapacidad",
           "Capacitar al personal de ventanilla en atención al usuario"]
LONG = "Una palabra larguísima: " + "contrarrevolucionariamente" * 4


def browse(*options):
    home = tempfile.mkdtemp()
    try:
        return subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                               "--force-device-scale-factor=1", f"--user-data-dir={home}", *options],
                              capture_output=True, text=True, timeout=120, check=True).stdout
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measure(page, dark):
    """How wide the page wants to be in a window of a phone's width, its colours, and whether it fetched anything."""
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as frame:
        frame.write(f"""<iframe id=f style="width:{WIDTH}px;height:{HEIGHT}px;border:0" srcdoc="{html.escape(page)}"></iframe>
            <script>f.onload = () => {{ const d = f.contentDocument, s = d.defaultView.getComputedStyle(d.body);
                document.title = [d.documentElement.scrollWidth, s.backgroundColor, s.color, s.fontSize,
                                  d.defaultView.performance.getEntriesByType("resource").length].join("|") }}</script>""")
        frame.flush()
        dom = browse(f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--virtual-time-budget=2000", "--dump-dom",
                     f"file://{frame.name}")
    width, background, colour, size, fetched = re.search(r"<title>(.*?)</title>", dom).group(1).split("|")
    return int(width), brightness(background), brightness(colour), float(size.removesuffix("px")), int(fetched)


def brightness(rgb):
    return sum(map(int, re.findall(r"\d+", rgb)[:3])) / 3


def preview(server, directory, actions):
    with Client(server.admin) as admin:
        admin.ask("institution_add", code="inm", name="Instituto Nacional de Migración")
        head = ["No.", "Criterios No.", "Subcriterio No.", "Área de Mejora", "Objetivo", "Acción de Mejora", "Tareas", "Tiempo", "",
                "Recursos necesarios", "Indicador", "Responsable de seguimiento", "Comentarios"]
        rows = [["PLAN DE MEJORA INSTITUCIONAL 2027"], head, [""] * 7 + ["Inicio", "Fin"]]
        rows += [[str(n), "CRITERIO 3: PERSONAS", "Subcriterio 3.1.", "Área", "Objetivo", action, "1. Levantar las necesidades 2. Señalizar",
                  "2026-01-01", end, "Humanos", "Informe de señalización", "Recursos Humanos", ""]
                 for n, (action, end) in enumerate(zip(actions, ("2027-02-26", "2027-02-26")), 1)]
        admin.ask("plan_import", "inm", file_name="plan.tsv", encoding="UTF-8",
                  rows=[{"line": n, "cells": cells} for n, cells in enumerate(rows, 1)])
        admin.ask("person_add", "inm", code="ana", name="Altagracia Peña Núñez", email="ana@inm.example", roles=["ROLE_RESPONSABLE"],
                  units=["Recursos Humanos"])
        admin.ask("progress_report", "inm/2027/1", percent=50, why="Primer piso terminado")
    page = Path(directory, "page.html")
    subprocess.run(["mejora", "reminder", "preview", "ana", "--html", page, "--profile", server.admin, "--institution", "inm"],
                   check=True, capture_output=True)
    return page.read_text(encoding="utf-8")


def main():
    tap = Tap()
    if not BROWSER:
        print("1..0 # SKIP there is no chromium here: ./dev deps mail")
        return
    with Server() as server, tempfile.TemporaryDirectory() as directory:
        page = preview(server, directory, ACTIONS if len(sys.argv) > 1 else [ACTIONS[0], LONG])
        if len(sys.argv) > 1:
            Path(directory, "shot.html").write_text(page, encoding="utf-8")
            browse(f"--window-size=520,{HEIGHT}", "--blink-settings=preferredColorScheme=1", f"--screenshot={Path(sys.argv[1]).resolve()}",
                   f"file://{directory}/shot.html")
            return
        for name, dark in (("by day", False), ("by night", True)):
            width, back, text, size, fetched = measure(page, dark)
            tap.ok(width == WIDTH, f"{name}: nothing is wider than the phone", width)
            tap.ok((back < 60) == dark and abs(back - text) > 150, f"{name}: its text stands out", (back, text))
            tap.ok(size >= 16 and fetched == 0, f"{name}: large enough, and nothing is fetched", (size, fetched))
        wide = page.replace("overflow-wrap:anywhere", "overflow-wrap:normal")
        tap.ok(measure(wide, False)[0] > WIDTH, "a page that is too wide would be seen", "the measure measures nothing")
    tap.done()


main()
