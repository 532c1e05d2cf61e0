#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed runspider: compiles once for each content, tells what the compiler says, and becomes the
# program.
. "${srcdir:-.}/tests/cli.sh"
cd "$work" || exit 1
# Another compiler's wrapper that counts its runs.
compiler=${CC:-cc}
cat >counted <<END
#!/bin/sh
[ "\$2" = --version ] || echo run >>'$work/runs'
for word; do case \$word in --version) exec $compiler --version ;; esac; done
echo compiled >>'$work/runs'
exec $compiler "\$@"
END
chmod +x counted
CC=$work/counted
XDG_CACHE_HOME=$work/cache
export CC XDG_CACHE_HOME
unset CFLAGS LDFLAGS

compiled()
{
    n=$(grep -c compiled runs 2>/dev/null)
    [ "${n:-0}" -eq "$1" ] || wrong "compiled ${n:-0} times, not $1"
}

cat >shop.c <<'END'
#include <stdio.h>
#include <tweed/version.h>
#include "shop.h"
int main(int argc, char **argv)
{
    printf("%s %s", SHOP, *tw_version() != 0 ? "tweed" : "");
    for (int i = 0; i < argc; i++)
        printf(" [%s]", argv[i]);
    puts("");
    return argc - 1;
}
END
echo '#define SHOP "first"' >shop.h

claim "a program is compiled and run with what stands behind it"
run runspider shop.c -o "a b" --help
status 3
out_is "first tweed [shop] [-o] [a b] [--help]"
compiled 1

claim "what is unchanged is not compiled again"
run runspider shop.c
status 0
out_is "first tweed [shop]"
compiled 1
run runspider -- shop.c -x
status 1
compiled 1

claim "a changed header, file, option or library compiles it again, and back again not"
echo '#define SHOP "second"' >shop.h
run runspider shop.c
out_is "second tweed [shop]"
compiled 2
echo '#define SHOP "first"' >shop.h
run runspider shop.c
out_is "first tweed [shop]"
compiled 2
CFLAGS=-DNOTHING run runspider shop.c
compiled 3
echo '/* more */' >>shop.c
run runspider shop.c
compiled 4
run runspider --rebuild shop.c
out_is "first tweed [shop]"
compiled 5

claim "a header that is gone is the compiler's to tell"
mv shop.h "shop two.h"
run runspider shop.c
status 1
err_has "shop.h"
sed 's/shop.h/shop two.h/' shop.c >two.c
run runspider two.c
out_is "first tweed [two]"
n=$(grep -c compiled runs)
run runspider two.c
out_is "first tweed [two]"
compiled "$n"
mv "shop two.h" shop.h

claim "a mistake is shown in the compiler's own words"
echo 'int main(void) { return nothing; }' >wrong.c
run runspider wrong.c
status 1
err_has "wrong.c:1:"
err_has "nothing"
out_is_empty
[ -z "$(ls "$XDG_CACHE_HOME/tweed" | grep new)" ] || wrong "something is left in the cache"

claim "only compile"
run runspider --compile shop.c
status 0
program=$(cat "$work/out")
[ "$("$program" x)" = "first tweed [$program] [x]" ] || wrong "no program: $program"

claim "signals go straight to the program"
cat >wait.c <<'END'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void stop(int number)
{
    (void)number;
    _exit(7);
}
int main(void)
{
    signal(SIGTERM, stop);
    printf("%d %d\n", (int)getpid(), signal(SIGPIPE, SIG_DFL) == SIG_DFL);
    fflush(stdout);
    for (;;)
        pause();
}
END
"$tweed" runspider wait.c >said 2>err &
pid=$!
pids="$pids $pid"
tries=0
while [ ! -s said ] && [ $tries -lt 600 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
[ "$(cat said)" = "$pid 1" ] || wrong "another process, or SIGPIPE is ignored: $(cat said), not $pid"
kill -TERM "$pid"
wait "$pid"
got=$?
status 7

claim "programs that others could replace are not run"
chmod 777 "$XDG_CACHE_HOME/tweed"
run runspider shop.c
status 1
err_has "others may write there"
chmod 700 "$XDG_CACHE_HOME/tweed"
HOME='' XDG_CACHE_HOME='' run runspider shop.c
status 1
err_is "tweed runspider: neither XDG_CACHE_HOME nor HOME is a path"
HOME=$work/home XDG_CACHE_HOME=relative run runspider shop.c
status 1
err_has "$work/home/.cache: No such file"
mkdir home
HOME=$work/home XDG_CACHE_HOME='' run runspider shop.c
status 0
out_is "first tweed [shop]"

claim "what nobody has used for a month goes"
touch -d '2 months ago' "$XDG_CACHE_HOME/tweed/old"
echo '/* again */' >>shop.c
run runspider shop.c
[ ! -e "$XDG_CACHE_HOME/tweed/old" ] || wrong "still there"

claim "a compiler, or file, that is not there is told"
CC=$work/none run runspider shop.c
status 1
err_has "$work/none: No such file"
run runspider none.c
status 1
err_is "tweed runspider: none.c: No such file or directory"
run runspider
status 2
run runspider --wool shop.c
status 2
err_has "unknown option --wool"

end
