# SPDX-License-Identifier: MIT
# tweed for gdb: the coroutines of all threads and where each of them stands.
#
#   (gdb) source .../share/tweed/gdb.py
#   (gdb) info tw-coroutines          one line each: number, state, name, where it was made
#   (gdb) tw-backtrace 3              the back-trace of number 3; all of them without a number
#
# Needs tweed's debugging information. In a core file, where registers cannot be set, a back-trace
# may stop early; gdb's own generate-core-file leaves out stacks with guards in them.
import gdb

STATES = ("created", "running", "suspended", "ended")
X86_64 = ("rbx", "rbp", "r12", "r13", "r14", "r15")
REG_NUMBERS = {"rbx": 11, "rbp": 10, "r12": 4, "r13": 5, "r14": 6, "r15": 7, "rsp": 15, "rip": 16}


def number(value):
    return int(value.cast(gdb.lookup_type("unsigned long")))


def saved_registers(context):
    """What twi_switch() kept, as it is right after it has returned."""
    names = [field.name for field in context.type.fields()]
    if "rbx" in names:
        stack = number(context["sp"])
        word = gdb.lookup_type("unsigned long").pointer()
        registers = {name: number(context[name]) for name in X86_64}
        registers["rip"] = number(context["sp"].cast(word).dereference())
        registers["rsp"] = stack + 8
    elif "x29" in names:
        registers = {"x%d" % (19 + i): number(context["x19_28"][i]) for i in range(10)}
        registers["x29"] = number(context["x29"])
        registers["x30"] = registers["pc"] = number(context["x30"])
        registers["sp"] = number(context["sp"])
    else:
        general = context["registers"]["uc_mcontext"]["gregs"]
        registers = {name: number(general[i]) for name, i in REG_NUMBERS.items()}
    return registers


def coroutines_of_this_thread():
    """Each with whether it runs right now."""
    running = gdb.parse_and_eval("twi_running")
    if number(running["coroutines"]) == 0:
        return
    kind = gdb.lookup_type("struct tw_coroutine")
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == "node")
    head = running["coroutines"]["living"]
    node = head["next"]
    while number(node) != number(head.address):
        coroutine = gdb.Value(number(node) - offset).cast(kind.pointer())
        yield coroutine, number(coroutine) == number(running["coroutine"])
        node = node["next"]


def all_coroutines():
    """(thread, coroutine, whether it runs right now), with that thread selected."""
    before = gdb.selected_thread()
    try:
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
            thread.switch()
            for coroutine, runs in coroutines_of_this_thread():
                yield thread, coroutine, runs
    finally:
        before.switch()


def text(pointer):
    return pointer.string() if number(pointer) != 0 else "-"


def title(index, thread, coroutine, runs):
    state = STATES[int(coroutine["state"])]
    if state == "running" and not runs:
        state = "waiting"
    return "%4d  thread %d  %-9s  %s  made at %s" % (
        index, thread.num, state, text(coroutine["name"]), text(coroutine["where"]))


def backtrace(coroutine):
    saved = saved_registers(coroutine["context"])
    gdb.execute("select-frame 0")
    before = {name: number(gdb.selected_frame().read_register(name)) for name in saved}
    try:
        for name, value in saved.items():
            gdb.execute("set $%s = %d" % (name, value))
        gdb.execute("backtrace")
    except gdb.error:
        stack = saved["rsp"] if "rsp" in saved else saved["sp"]
        place = saved["rip"] if "rip" in saved else saved["pc"]
        gdb.execute("frame view %d %d" % (stack, place))
        gdb.execute("backtrace")
        return
    finally:
        for name, value in before.items():
            try:
                gdb.execute("set $%s = %d" % (name, value))
            except gdb.error:
                break


class InfoCoroutines(gdb.Command):
    """List tweed's coroutines: number, thread, state, name and where each was made."""

    def __init__(self):
        super().__init__("info tw-coroutines", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        count = 0
        for count, (thread, coroutine, runs) in enumerate(all_coroutines(), 1):
            print(title(count, thread, coroutine, runs))
        print("%d coroutines" % count)


class Backtrace(gdb.Command):
    """Print the back-trace of a coroutine, by its number of info tw-coroutines; or of all."""

    def __init__(self):
        super().__init__("tw-backtrace", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        wanted = int(argument) if argument.strip() else None
        for index, (thread, coroutine, runs) in enumerate(all_coroutines(), 1):
            if wanted not in (None, index):
                continue
            print(title(index, thread, coroutine, runs))
            if runs:
                gdb.execute("backtrace")
            elif int(coroutine["state"]) == 0:
                print("has not started")
            else:
                backtrace(coroutine)


InfoCoroutines()
Backtrace()
