"""Find the strategy in a file of the user's. The one module here that reads a file; the runtime never does."""

import importlib.util
import sys
import zlib
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from atlas.domain import BadInput
from atlas.robot.strategy import Strategy, parameters_type


def load_strategy(path: Path) -> type[Strategy]:
    """The one class in `path` that inherits from `Strategy`.

    Raises:
        BadInput: no such file, it does not compile or run, or it defines no strategy, or several.
        ConfigurationError: its parameters are not annotated with a class of parameters.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"there is no strategy at {path}; give the path of a Python file")
    module = _run(path)
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        names = ", ".join(sorted(strategy.__name__ for strategy in found)) or "none"
        raise BadInput(f"{path} must define one class that inherits from atlas.Strategy; it defines: {names}")
    parameters_type(found[0])
    return found[0]


class _AlwaysCompiled(SourceFileLoader):
    """Takes the file as it stands now: bytecode kept from a moment ago could be of the text before the last edit."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader's interface
        source = self.get_data(self.path)
        code: CodeType = self.source_to_code(source, self.path)
        return code


def _run(path: Path) -> ModuleType:
    # The name is derived from the path, so that two files of one name stay apart and a traceback says which it was.
    name = f"atlas_strategy_{zlib.crc32(str(path.resolve()).encode()):08x}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_AlwaysCompiled(name, str(path)))
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} is not a Python file; a strategy is a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations are looked up there
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise BadInput(f"{path}, line {error.lineno or '?'}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        raise BadInput(f"{path} cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())}") from error
    return module
