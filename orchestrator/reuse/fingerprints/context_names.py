"""Records the effect of each use of a name from dbt's context, or of a name that only the project defines."""

from collections.abc import Callable
from functools import partial

from jinja2 import nodes

from orchestrator.plan.scheduled_vars import LOGICAL_DATE
from orchestrator.reuse.fingerprints import allowed
from orchestrator.reuse.fingerprints.notes import Notes

Attributes = tuple[str, ...]
_SQL_HEADER = "sql_header"


class ContextNames:
    """Records the use of names that are not local variables."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        # These names give access to more than a value, so each has a rule for what may be done with it.
        self._rules: dict[str, Callable[[Attributes, nodes.Call | None, int], None]] = {
            "adapter": self._adapter,
            "api": self._api,
            "builtins": self._builtins,
            "config": self._config,
            "context": self._context,
            "exceptions": self._exceptions,
            "flags": self._flags,
            "model": self._model,
            "modules": self._modules,
            "var": partial(self._setting, "var"),
            "env_var": partial(self._setting, "env_var"),
        }

    def use(self, name: str, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        """Record that `name.attributes` is read, or called if there is a call."""
        self._notes.names.add(name)
        rule = self._rules.get(name)
        if rule is not None:
            rule(attributes, call, line)
        elif name in allowed.PURE_FUNCTIONS or name in allowed.SETS or name in allowed.ASKING_FUNCTIONS:
            self._function(name, attributes, call, line)
        elif self._is_value(name, line):
            self._on_value(name, attributes, call, line)
        elif name == allowed.TRIES and call is not None and not attributes:
            self._passed_to_modules(call, line)
        else:
            self._foreign(name, attributes, call, line)  # on no list: a macro of the project, or unknown

    def member(self, attribute: str, line: int) -> None:
        """Record that an attribute of a plain value is read."""
        if attribute in allowed.CLOCK_METHODS:
            self._notes.volatile.setdefault(attribute, line)
        elif attribute in allowed.OF_OBJECTS_ONLY or attribute.startswith(
            "_"
        ):  # `__class__` and others lead to all of Python
            self._unknown(f"the attribute {attribute}", line)
        elif attribute == "created_at":
            self._notes.asks.setdefault("created_at, which may be when dbt parsed the project", line)

    def method(self, attribute: str, line: int) -> None:
        """Record that a method of a plain value is called."""
        if attribute in allowed.CLOCK_METHODS:
            self._notes.volatile.setdefault(attribute, line)
        elif attribute not in allowed.METHODS:
            self._unknown(f"the method {attribute}()", line)

    def asked_for(self, function: str, call: nodes.Call, line: int) -> None:
        """Record a call of `var` or `env_var`, with the requested name if it is a constant."""
        first = call.args[0] if call.args else next((one.value for one in call.kwargs if one.key in _FIRST), None)
        name = first.value if isinstance(first, nodes.Const) and isinstance(first.value, str) else None
        # A computed name may be any, so all of them become part of the fingerprint.
        if name is None or call.dyn_args is not None or call.dyn_kwargs is not None:
            self._every(function)
        elif function == "env_var":
            self._notes.env.add(name)
        else:
            self._notes.vars.add(name)
            if name == LOGICAL_DATE:  # the time for which a run is scheduled
                self._notes.volatile.setdefault("the logical date", line)

    def _is_value(self, name: str, line: int) -> bool:
        if name in allowed.TARGET_VALUES:
            self._notes.target = True
        elif name in allowed.ASKING_VALUES:
            self._notes.asks.setdefault(name, line)
        elif name in allowed.VOLATILE_VALUES:
            self._notes.volatile.setdefault(name, line)
        else:
            return name in allowed.PURE_VALUES
        return True

    def _on_value(self, name: str, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        """Record the attributes of a value; only the last one may be called."""
        if call is not None and not attributes:
            self._unknown(f"{name}()", line)
            return
        for attribute in attributes[:-1] if call is not None else attributes:
            self.member(attribute, line)
        if call is not None:
            self.method(attributes[-1], line)

    def _function(self, name: str, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        if call is None or attributes:
            self._passed_on(".".join((name, *attributes)), line)
        elif name in allowed.SETS:
            self._notes.asks.setdefault(allowed.ORDER_OF_A_SET, line)
        elif name in allowed.ASKING_FUNCTIONS:
            self._notes.asks.setdefault(name, line)

    def _foreign(self, name: str, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        """Record what may be a macro of the project or of a package. Only the caller knows which names are macros."""
        self._notes.names.update(attributes)
        dotted = ".".join((name, *attributes))
        if call is None or len(attributes) > 1:
            self._unknown(
                f"{dotted}, which is passed on, or which dbt does not define" if call is None else f"{dotted}()", line
            )
            return
        self._notes.foreign.setdefault(dotted, line)
        macro = attributes[-1] if attributes else name  # `dbt_utils.star`: the package comes first
        if macro in allowed.CLOCK_MACROS or (attributes and macro in allowed.CLOCK_METHODS):
            self._notes.volatile.setdefault(macro, line)
        if macro in allowed.ASKING_MACROS:
            self._notes.asks.setdefault(macro, line)
        if macro in allowed.BESIDE_THE_SQL:
            self._notes.beside_the_sql = True

    def _passed_to_modules(self, call: nodes.Call, line: int) -> None:
        """Record a call of a function that is passed as an argument. Only functions of `modules` are understood."""
        called: nodes.Node | None = call.args[1] if len(call.args) > 1 else None
        while isinstance(called, nodes.Getattr):
            called = called.node
        if not isinstance(called, nodes.Name) or called.name != "modules":
            self._unknown(f"{allowed.TRIES}(), which calls what is passed to it", line)

    def _adapter(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        if attributes[:1] == ("Relation",):
            self._on_value("adapter.Relation", attributes[1:], call, line)
            return
        if attributes[:1] == ("behavior",) and call is None:  # a project flag: its effect shows in the compiled code
            self._notes.asks.setdefault(".".join(("adapter", *attributes)), line)
            return
        method = attributes[0] if len(attributes) == 1 and call is not None else ""
        if method in allowed.ASKING_ADAPTER_METHODS:
            self._notes.asks.setdefault(f"adapter.{method}", line)
        elif method == "dispatch" and call is not None:
            self._dispatch(call, line)
        elif method not in allowed.PURE_ADAPTER_METHODS:
            self._passed_on(".".join(("adapter", *attributes)), line, called=call is not None)

    def _dispatch(self, call: nodes.Call, line: int) -> None:
        """Record a call of `adapter.dispatch`. The macros that it may find are matched by name among the strings."""
        self._notes.names.add("dispatch")
        first = call.args[0] if call.args else next((one.value for one in call.kwargs if one.key == "macro_name"), None)
        if not isinstance(first, nodes.Const) or not isinstance(first.value, str):
            self._notes.every_macro = True  # the name is computed, so it may find any
        elif first.value in allowed.CLOCK_MACROS:
            self._notes.volatile.setdefault(first.value, line)

    def _api(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        if attributes == ("Column",):
            return
        if attributes[:1] in {("Relation",), ("Column",)}:
            self._on_value(f"api.{attributes[0]}", attributes[1:], call, line)
        else:
            self._passed_on(".".join(("api", *attributes)), line, called=call is not None)

    def _builtins(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        """Record `builtins.ref(…)`, which calls dbt's own `ref` even if the project has a macro of that name."""
        if attributes and call is not None and attributes[0] in allowed.PURE_FUNCTIONS | {"var", "env_var", "config"}:
            self.use(attributes[0], attributes[1:], call, line)
        else:
            self._notes.may_read_anything("builtins", line)

    def _context(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:  # noqa: ARG002
        self._notes.may_read_anything("context", line)  # it contains every other name of dbt, by key

    def _config(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        if call is not None and not attributes:  # it sets configuration, which has parts of its own
            # The header runs before the statement and is not a part of it.
            self._notes.beside_the_sql |= any(one.key == _SQL_HEADER for one in call.kwargs)
            return
        self._notes.own_entry = True
        if attributes and (call is None or attributes not in {(one,) for one in allowed.CONFIG_READERS}):
            self._passed_on(".".join(("config", *attributes)), line, called=call is not None)

    def _exceptions(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        if len(attributes) != 1 or attributes[0] not in allowed.EXCEPTIONS:
            self._passed_on(".".join(("exceptions", *attributes)), line, called=call is not None)

    def _flags(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        self._notes.beside_the_sql = True
        if call is None and attributes:
            self._notes.flags.add(attributes[0].upper())  # dbt has each flag in both cases
        elif call is not None and attributes == ("get",) and call.args and isinstance(call.args[0], nodes.Const):
            self._notes.flags.add(str(call.args[0].value).upper())
        else:
            self._notes.every_flag = True
            if call is not None:
                self._unknown(".".join(("flags", *attributes)) + "()", line)

    def _model(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        """Record what is read from the node's entry; only compiling shows the fields that may differ in each run."""
        self._notes.own_entry = True
        read = attributes
        if call is not None and attributes == ("get",) and call.args and isinstance(call.args[0], nodes.Const):
            read = (str(call.args[0].value),)
        elif call is not None:
            self._on_value("model", attributes, call, line)
            read = attributes[:-1]
        else:
            self._on_value("model", attributes, None, line)
        if read[:1] == ("batch",):  # the bounds of the batch that runs
            self._notes.volatile.setdefault("model.batch", line)
        elif not read or read[0] not in allowed.MODEL_FIELDS:
            self._notes.asks.setdefault(f"model.{read[0]}" if read else "model as a whole", line)

    def _modules(self, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        known = allowed.MODULES.get(attributes[0]) if attributes else None
        if known is None or (len(attributes) > 1 and attributes[1] not in known):
            self._passed_on(".".join(("modules", *attributes)), line, called=call is not None)
        elif len(attributes) > 2 or (call is not None and len(attributes) == 1):
            self._on_value("modules", attributes[2:] or attributes, call, line)

    def _setting(self, function: str, attributes: Attributes, call: nodes.Call | None, line: int) -> None:
        """Record a use of `var` or `env_var`."""
        if call is not None and (not attributes or (function == "var" and attributes == ("has_var",))):
            self.asked_for(function, call, line)
        else:
            self._every(function)
            self._passed_on(".".join((function, *attributes)), line, called=call is not None)

    def _every(self, function: str) -> None:
        if function == "var":
            self._notes.every_var = True
        else:
            self._notes.every_env = True

    def _passed_on(self, what: str, line: int, *, called: bool = False) -> None:
        self._unknown(f"{what}()" if called else f"{what}, which is passed on", line)

    def _unknown(self, what: str, line: int) -> None:
        self._notes.unknown.setdefault(what, line)


_FIRST = frozenset({"var", "var_name"})
