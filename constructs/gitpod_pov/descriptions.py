"""The descriptions of inputs: the docstrings below the attributes of a configuration.

Owns reading them from the source. The schema, the documents, the hand-over and the message for a missing key need them. The descriptions
themselves belong to each attribute.

pydantic's `use_attribute_docstrings` is not used, because it reads the source of every configuration at every start.
"""

import ast
import functools
import inspect
import textwrap
from collections.abc import Mapping
from itertools import pairwise

from pydantic import BaseModel


@functools.cache
def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the description of each attribute that has one, on a single line. Inherited attributes are included."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls is not BaseModel:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
            for attribute, text in pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
                match attribute, text:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                        found[name] = " ".join(words.split())
    return found
