// Draws the channels of a report: receptor, ligand, the paths of its centre, and one path as a movie.
// All numbers come from the page itself; nothing is fetched.
"use strict";
(function () {
  const scene = JSON.parse(document.getElementById("scene").textContent);
  const byId = (id) => document.getElementById(id);
  const PM_PER_ANGSTROM = 100;
  const FRAME_MS = 120;

  function point(pm, k) {
    return {
      x: pm[3 * k] / PM_PER_ANGSTROM,
      y: pm[3 * k + 1] / PM_PER_ANGSTROM,
      z: pm[3 * k + 2] / PM_PER_ANGSTROM,
    };
  }

  // Little-endian 16-bit numbers, as they are stored whatever the machine.
  function coordinates(base64) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Array.from({ length: bytes.length / 2 }, (_, k) => view.getInt16(2 * k, true));
  }

  function points(base64) {
    const pm = coordinates(base64);
    return Array.from({ length: pm.length / 3 }, (_, k) => point(pm, k));
  }

  function atoms() {
    const bonds = scene.atoms.element.map(() => []);
    for (const [one, other] of scene.bonds) {
      bonds[one].push(other);
      bonds[other].push(one);
    }
    const start = coordinates(scene.start);
    return scene.atoms.element.map((elem, k) => {
      const [resn, resi, chain, ss] = scene.residues[scene.atoms.residue[k]];
      return {
        elem, resn, resi, chain, ss, ...point(start, k),
        atom: scene.atoms.name[k], serial: k, hetflag: ss === "",
        bonds: bonds[k], bondOrder: bonds[k].map(() => 1),
        properties: { ligand: scene.atoms.ligand[k], residue: scene.atoms.residue[k] },
      };
    });
  }

  const container = byId("viewer");
  let viewer = null;
  try {
    viewer = $3Dmol.createViewer(container, { backgroundColor: "white" });
  } catch (error) {
    viewer = null;
  }
  if (!viewer) {
    container.textContent = "This picture needs WebGL, which this browser does not offer.";
    byId("controls").hidden = true;
    return;
  }
  const model = viewer.addModel();
  model.addAtoms(atoms());
  const all = model.selectedAtoms({});
  const movies = scene.channels.map((channel) => coordinates(channel.movie.coordinates));
  const shown = scene.channels.map(() => true);
  let current = 0;
  let playing = null;

  function restyle() {
    const lining = new Set(scene.channels.length ? scene.channels[current].residues : []);
    const ligand = { predicate: (atom) => atom.properties.ligand === 1 };
    const lines = { predicate: (atom) => !atom.properties.ligand && lining.has(atom.properties.residue) };
    if (scene.protein) {
      viewer.setStyle({}, { cartoon: { color: "#b9c2cc", opacity: 0.85 } });
      viewer.addStyle(lines, { stick: { radius: 0.1, colorscheme: "whiteCarbon" } });
    } else {
      viewer.setStyle({}, { stick: { radius: 0.12, colorscheme: "whiteCarbon" } });
    }
    viewer.setStyle(ligand, { stick: { radius: 0.2, colorscheme: "yellowCarbon" }, sphere: { scale: 0.28, colorscheme: "yellowCarbon" } });
  }

  function tubes() {
    viewer.removeAllShapes();
    scene.channels.forEach((channel, k) => {
      if (!shown[k]) return;
      for (const tube of channel.tubes) {
        viewer.addCurve({ points: points(tube), radius: 0.07, color: channel.color, smooth: 3 });
      }
      viewer.addCurve({ points: points(channel.mean), radius: 0.28, color: channel.color, smooth: 3, toArrow: true });
    });
  }

  function show(frame) {
    const movie = scene.channels[current].movie;
    const pm = movies[current];
    all.forEach((atom, k) => Object.assign(atom, point(pm, frame * all.length + k)));
    restyle();
    viewer.render();
    byId("frame").value = frame;
    byId("state").textContent =
      `path ${movie.number}, frame ${movie.frames[frame]} of ${movie.of - 1}, ` +
      `work so far ${movie.work[frame].toFixed(1)} kcal/mol`;
  }

  function choose(channel) {
    current = channel;
    byId("frame").max = scene.channels[channel].movie.frames.length - 1;
    show(0);
  }

  function pause() {
    clearInterval(playing);
    playing = null;
    byId("play").textContent = "Play";
  }

  function play() {
    const last = Number(byId("frame").max);
    byId("play").textContent = "Pause";
    playing = setInterval(() => {
      const frame = Number(byId("frame").value);
      show(frame === last ? 0 : frame + 1);
    }, FRAME_MS);
  }

  function checkbox(channel, k) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    const swatch = document.createElement("span");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => { shown[k] = box.checked; tubes(); viewer.render(); });
    swatch.className = "swatch";
    swatch.style.background = channel.color;
    label.append(box, swatch, channel.name);
    return label;
  }

  if (!scene.channels.length) {
    byId("controls").hidden = true;
    restyle();
  } else {
    scene.channels.forEach((channel, k) => {
      byId("boxes").append(checkbox(channel, k));
      byId("movie").append(new Option(`${channel.name}: path ${channel.movie.number}`, k));
    });
    byId("movie").addEventListener("change", (event) => choose(Number(event.target.value)));
    byId("frame").addEventListener("input", (event) => { pause(); show(Number(event.target.value)); });
    byId("play").addEventListener("click", () => (playing ? pause() : play()));
    tubes();
    choose(0);
  }
  viewer.zoomTo();
  viewer.render();
})();
