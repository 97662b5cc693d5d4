"""A machine without OpenGL, and even without VTK's renderers: everything is drawn, or one plain sentence comes."""

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
for name in ("vtkRenderingOpenGL2", "vtkRenderingVolumeOpenGL2", "vtkRenderingCore", "vtkRenderingVolume"):
    sys.modules["vtkmodules." + name] = None  # as where the library cannot be loaded
from render import camera, planes
from render.engine import Engine
from render.errors import RenderError
from render.policy import find
from render.stage import Stage
from render.view import Labels, Look, Surface, Technique, View, Window
from tests.picture.phantom import ball, geometry, volume

v = volume(ball((0, 0, 0), 40.0), geometry((30, 30, 30), (4.0, 4.0, 4.0)))
eye, window = camera.standard(v, "A", (64, 48)), Window(center=0, width=1500)
look = Look(name="x", version="", opacity=((0, 0), (400, 0.3)), colour=((0, "c08040"),))
views = [
    View(technique=Technique.VR, look=look, camera=eye, size=(64, 48)),
    View(technique=Technique.MIP, window=window, camera=eye, size=(64, 48)),
    View(technique=Technique.SSD, surfaces=(Surface(low=0.0),), camera=eye, size=(64, 48)),
    View(technique=Technique.MPR, plane=planes.standard(v, "axial", size=(64, 48)), window=window, size=(64, 48)),
]
found = find()
print(bool(found.gl), found.renderer)
for renderer in (found.renderer, None, "VTK GPU"):
    engine = Engine(v, renderer=renderer)
    print([engine.picture(view).renderer for view in views])
for renderer in ("VTK GPU", "VTK fixed point"):  # a recipe that names one can only be refused
    try:
        print(Engine(v).picture(views[0].replace(renderer=renderer)).renderer)
    except RenderError as error:
        print(error.sentence)
stage = Stage(renderer="VTK GPU")
stage.set_volume(v)
print(stage.picture(views[0], Labels(), timeout=60).renderer)
stage.close()
"""


def test_without_gl_everything_is_drawn_and_what_needs_it_is_refused_in_a_sentence():
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root), "VTK_DEFAULT_OPENGL_WINDOW": "vtkNothing", "RENDERDESK_RENDERER": ""}
    done = subprocess.run([sys.executable, "-c", CODE], cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert lines[0] == "False CPU caster"
    assert lines[1:4] == ["['CPU caster', 'CPU caster', 'CPU surfaces', 'planes']"] * 3
    for sentence in lines[4:6]:
        assert sentence.endswith(".")
        assert "Traceback" not in sentence
        assert "vtk" not in sentence
    assert lines[6] == "CPU caster"
