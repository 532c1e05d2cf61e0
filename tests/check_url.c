/* SPDX-License-Identifier: MIT */
/*
 * check_url.c - URLs come out as the WHATWG standard says, or are refused with a reason.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tweed/url.h>

#include "tests/test.h"
#include "web/url/url.h"

static struct tw_url *parse(const char *text, const struct tw_url *base)
{
    struct tw_url *url = NULL;
    const char *why = NULL;
    int r = tw_url_parse(text, strlen(text), base, &url, &why);

    ck_assert_msg(r == 0 || r == -EINVAL, "%s: %d", text, r);
    ck_assert_msg((r == 0) == (why == NULL), "%s: a reason for a refusal only", text);
    return url;
}

/* --- absolute: input and the serialised form, NULL when it is refused --------------------- */

static const struct {
    const char *input, *href;
} absolute[] = {
    /* special schemes, slashes, white space */
    { "http://example.com", "http://example.com/" },
    { "HTTP://EXAMPLE.com:80/", "http://example.com/" },
    { "https://example.com:443/a", "https://example.com/a" },
    { "https://example.com:80/a", "https://example.com:80/a" },
    { "ws://example.com:80/", "ws://example.com/" },
    { "wss://example.com:443/", "wss://example.com/" },
    { "ftp://example.com:21/f", "ftp://example.com/f" },
    { "http:example.com/x", "http://example.com/x" },
    { "http:/example.com/x", "http://example.com/x" },
    { "http:///example.com/x", "http://example.com/x" },
    { "http://////example.com/x", "http://example.com/x" },
    { "http:\\\\example.com\\x\\y", "http://example.com/x/y" },
    { "http:/\\/example.com", "http://example.com/" },
    { "  \t\nhttp://example.com/ \r\n ", "http://example.com/" },
    { "\x01\x1fhttp://example.com/\x02", "http://example.com/" },
    { "ht\ttp:/\n/exam\rple.com/a\nb", "http://example.com/ab" },
    { "http://example.com/?\n#\t", "http://example.com/?#" },
    { "http:", NULL },
    { "http://", NULL },
    { "http:///", NULL },
    { "https://?x", NULL },
    { "http://#x", NULL },
    { "", NULL },
    { "   ", NULL },
    { "example.com", NULL },
    { "//example.com/", NULL },
    { "/path", NULL },
    { "1http://x/", NULL },
    { "ht tp://x/", NULL },
    { ":", NULL },
    { "://x", NULL },
    /* credentials */
    { "http://user@h/", "http://user@h/" },
    { "http://user:@h/", "http://user@h/" },
    { "http://:@h/", "http://h/" },
    { "http://@h/", "http://h/" },
    { "http://:pass@h/", "http://:pass@h/" },
    { "http://user:pass@h:8/", "http://user:pass@h:8/" },
    { "http://a@b@h/", "http://a%40b@h/" },
    { "http://a:b:c@h/", "http://a:b%3Ac@h/" },
    { "http://a:b@c:d@h/", "http://a:b%40c%3Ad@h/" },
    { "http://u;=[]^|:p\"<>`{}@h/", "http://u%3B%3D%5B%5D%5E%7C:p%22%3C%3E%60%7B%7D@h/" },
    { "http://\xc3\xbc:%C3@h/", "http://%C3%BC:%C3@h/" },
    { "http://a/b@h/", "http://a/b@h/" },
    { "http://a?b@h/", "http://a/?b@h/" },
    { "http://a\\b@h/", "http://a/b@h/" },
    { "http://u@/", NULL },
    { "http://u:p@", NULL },
    { "http://@:80/", NULL },
    { "foo://u@/", NULL },
    { "foo://u:p@h/", "foo://u:p@h/" },
    /* ports */
    { "http://h:8080/", "http://h:8080/" },
    { "http://h:/", "http://h/" },
    { "http://h:0/", "http://h:0/" },
    { "http://h:00080/", "http://h/" },
    { "http://h:0000000000000000000081/", "http://h:81/" },
    { "http://h:65535/", "http://h:65535/" },
    { "http://h:65536/", NULL },
    { "http://h:4294967376/", NULL },
    { "http://h:99999999999999999999/", NULL },
    { "http://h:+80/", NULL },
    { "http://h:-80/", NULL },
    { "http://h: 80/", NULL },
    { "http://h:80a/", NULL },
    { "http://h:80:80/", NULL },
    { "http://:80/", NULL },
    { "foo://:80/", NULL },
    { "foo://h:80/", "foo://h:80/" },
    { "http://h:8\t0/", "http://h/" },
    /* domains */
    { "http://a_b.example/", "http://a_b.example/" },
    { "http://-a-.example/", "http://-a-.example/" },
    { "http://r3---sn.example/", "http://r3---sn.example/" },
    { "http://a..b/", "http://a..b/" },
    { "http://./", "http://./" },
    { "http://../", "http://../" },
    { "http://h./", "http://h./" },
    { "http://a!$&'()*+,;=~`{}\"b/", "http://a!$&'()*+,;=~`{}\"b/" },
    { "http://a%41%2E/", "http://aa./" },
    { "http://a b/", NULL },
    { "http://a%20b/", NULL },
    { "http://a<b/", NULL },
    { "http://a>b/", NULL },
    { "http://a^b/", NULL },
    { "http://a|b/", NULL },
    { "http://a%b/", NULL },
    { "http://a%2fb/", NULL },
    { "http://a%3ab/", NULL },
    { "http://a%40b/", NULL },
    { "http://a%25b/", NULL },
    { "http://a%00b/", NULL },
    { "http://a%7fb/", NULL },
    { "http://a\x7f"
      "b/",
      NULL },
    { "http://a\x01"
      "b/",
      NULL },
    { "http://a]b/", NULL },
    { "http://a[b/", NULL },
    { "http://%zz/", NULL },
    /* IDNA */
    { "http://b\xc3\xbc"
      "cher.example/",
      "http://xn--bcher-kva.example/" },
    { "http://B\xc3\x9c"
      "CHER.example/",
      "http://xn--bcher-kva.example/" },
    { "http://fa\xc3\x9f.example/", "http://xn--fa-hia.example/" },
    { "http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/" },
    { "http://\xe6\x97\xa5\xe6\x9c\xac\xe3\x80\x82jp/", "http://xn--wgv71a.jp/" },
    { "http://\xef\xbc\xa7\xef\xbd\x8f.com/", "http://go.com/" },
    { "http://a\xc2\xad"
      "b.example/",
      "http://ab.example/" },
    { "http://XN--BCHER-KVA.example/", "http://xn--bcher-kva.example/" },
    { "http://a--b.\xc3\xbc.example/", "http://a--b.xn--tda.example/" },
    { "http://\xe2\x98\x83.net/", "http://xn--n3h.net/" },
    { "http://i\xe2\x9d\xa4.ws/", "http://xn--i-7iq.ws/" },
    { "http://i\xe2\x9d\xa4\xef\xb8\x8f.ws/", "http://xn--i-7iq.ws/" },
    { "http://xn--i-7iq.ws/", "http://xn--i-7iq.ws/" },
    { "http://xn--I-7IQ.ws/", "http://xn--i-7iq.ws/" },
    { "http://\xf0\x9f\x92\xa9.example/", "http://xn--ls8h.example/" },
    { "http://\xc3\x89\xf0\x9f\x98\x80/", "http://xn--9ca2767w/" },
    { "http://-\xc3\xbc-/", "http://xn-----xka/" },
    { "http://ab--\xc3\xbc/", "http://xn--ab---3ra/" },
    { "http://a\xe2\x80\x8d\xe2\x9d\xa4/", NULL },
    { "http://\xd9\x83\xe2\x9d\xa4/", NULL },
    { "http://b\xc3\xbc+_c/", "http://xn--b+_c-0ra/" },
    { "http://xn--n3h-/", "http://xn--n3h-/" },
    { "http://xn--99999999999/", "http://xn--99999999999/" },
    { "http://xn--\xc3\xbc/", NULL },
    { "http://xn--xn---epa/", "http://xn--xn---epa/" },
    { "http://xn--n3/", "http://xn--n3/" },
    { "http://\xe2\x9d\xa4\xf0\x9f/", NULL },
    { "http://\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd/", "http://xn--6qqa088eba/" },
    { "http://\xc2\xad/", NULL },
    { "http://xn--/", "http://xn--/" },
    { "http://xn--a/", "http://xn--a/" },
    { "http://xn--ascii-/", "http://xn--ascii-/" },
    { "http://xn--8i7caa.example/", "http://xn--8i7caa.example/" },
    { "http://a.b.c.XN--pokxncvks/", "http://a.b.c.xn--pokxncvks/" },
    { "https://xn--/", "https://xn--/" },
    { "http://%78N--a/", "http://xn--a/" },
    { "http://xn--a.\xc3\xbc/", NULL },
    { "http://a\xef\xbc\x85"
      "b/",
      NULL },
    { "http://a\xef\xbc\x8f"
      "b/",
      NULL },
    { "http://\xff/", NULL },
    { "http://%ff/", NULL },
    { "http://\xef\xbf\xbd/", NULL },
    { "http://\xcc\x81"
      "a/",
      NULL },
    /* IPv4 */
    { "http://127.0.0.1/", "http://127.0.0.1/" },
    { "http://0x7f.1/", "http://127.0.0.1/" },
    { "http://2130706433/", "http://127.0.0.1/" },
    { "http://017700000001/", "http://127.0.0.1/" },
    { "http://0X7F000001/", "http://127.0.0.1/" },
    { "http://127.1/", "http://127.0.0.1/" },
    { "http://127.0.1/", "http://127.0.0.1/" },
    { "http://1.2.3.4./", "http://1.2.3.4/" },
    { "http://0x/", "http://0.0.0.0/" },
    { "http://0x.0x.0/", "http://0.0.0.0/" },
    { "http://1.65535/", "http://1.0.255.255/" },
    { "http://1.16777215/", "http://1.255.255.255/" },
    { "http://4294967295/", "http://255.255.255.255/" },
    { "http://%31%32%37.0.0.1/", "http://127.0.0.1/" },
    { "http://\xef\xbc\x91.2.3.4/", "http://1.2.3.4/" },
    { "http://1e2/", "http://1e2/" },
    { "http://1.2.3.4.example/", "http://1.2.3.4.example/" },
    { "http://a.1b/", "http://a.1b/" },
    { "http://4294967296/", NULL },
    { "http://999999999999999999999999/", NULL },
    { "http://1.16777216/", NULL },
    { "http://256.1.1.1/", NULL },
    { "http://1.256.1.1/", NULL },
    { "http://1.2.3.256/", NULL },
    { "http://1.2.3.4.5/", NULL },
    { "http://1.2.3.08/", NULL },
    { "http://1.2.3.09.", NULL },
    { "http://a.0x4/", NULL },
    { "http://a.1/", NULL },
    { "http://1..2/", NULL },
    { "http://a.09/", NULL },
    /* IPv6 */
    { "http://[::1]/", "http://[::1]/" },
    { "http://[::]/", "http://[::]/" },
    { "http://[1::]:81/", "http://[1::]:81/" },
    { "http://[1:2:3:4:5:6:7:8]/", "http://[1:2:3:4:5:6:7:8]/" },
    { "http://[1:2:3:4:5:6:7::]/", "http://[1:2:3:4:5:6:7:0]/" },
    { "http://[::2:3:4:5:6:7:8]/", "http://[0:2:3:4:5:6:7:8]/" },
    { "http://[2001:DB8:0:0:0:0:0:AB]/", "http://[2001:db8::ab]/" },
    { "http://[1:0:0:2:0:0:0:3]/", "http://[1:0:0:2::3]/" },
    { "http://[1:0:0:2:3:0:0:4]/", "http://[1::2:3:0:0:4]/" },
    { "http://[0001:0020::0300]/", "http://[1:20::300]/" },
    { "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/" },
    { "http://[1:2:3:4:5:6:1.2.3.4]/", "http://[1:2:3:4:5:6:102:304]/" },
    { "http://[::1]", "http://[::1]/" },
    { "foo://[::1]/", "foo://[::1]/" },
    { "http://[]/", NULL },
    { "http://[:]/", NULL },
    { "http://[:::]/", NULL },
    { "http://[:1]/", NULL },
    { "http://[1:]/", NULL },
    { "http://[::1:]/", NULL },
    { "http://[1:2]/", NULL },
    { "http://[1:2:3:4:5:6:7]/", NULL },
    { "http://[1:2:3:4:5:6:7:8:9]/", NULL },
    { "http://[1:2:3:4:5:6:7:8::]/", NULL },
    { "http://[1:2:3:4:5:6:7::8]/", NULL },
    { "http://[1::2::3]/", NULL },
    { "http://[12345::]/", NULL },
    { "http://[g::]/", NULL },
    { "http://[::1.2.3]/", NULL },
    { "http://[::1.2.3.4.5]/", NULL },
    { "http://[::1.2.3.256]/", NULL },
    { "http://[::01.2.3.4]/", NULL },
    { "http://[::1.2.3.]/", NULL },
    { "http://[::.1.2.3]/", NULL },
    { "http://[::1.2..4]/", NULL },
    { "http://[1:2:3:4:5:6:7:1.2.3.4]/", NULL },
    { "http://[::1.2.3.4:5]/", NULL },
    { "http://[::1%25eth0]/", NULL },
    { "http://[::1/", NULL },
    { "http://::1]/", NULL },
    { "http://[::1]a/", NULL },
    { "http://a[::1]/", NULL },
    { "http://[::1]]/", NULL },
    { "http://[0:0:0:0:0:0:0:0:]/", NULL },
    /* paths */
    { "http://h/a/./b/../c", "http://h/a/c" },
    { "http://h/..", "http://h/" },
    { "http://h/a/..", "http://h/" },
    { "http://h/a/.", "http://h/a/" },
    { "http://h/a/b/../..", "http://h/" },
    { "http://h/../../a", "http://h/a" },
    { "http://h/a/%2e%2E/b/%2E/c", "http://h/b/c" },
    { "http://h/a/.%2e/b", "http://h/b" },
    { "http://h/a/%2e./b", "http://h/b" },
    { "http://h/...", "http://h/..." },
    { "http://h/%2e%2e%2e", "http://h/%2e%2e%2e" },
    { "http://h/a.b/..c/.d", "http://h/a.b/..c/.d" },
    { "http://h//a//..//b", "http://h//a//b" },
    { "http://h/a\\..\\b", "http://h/b" },
    { "http://h/ \"#<>", "http://h/%20%22#%3C%3E" },
    { "http://h/^`{|}~'[]", "http://h/%5E%60%7B|%7D~'[]" },
    { "http://h/%zz%4", "http://h/%zz%4" },
    { "http://h/%7Efoo%41", "http://h/%7Efoo%41" },
    { "http://h/\xc3\xbc\xf0\x9f\x98\x80", "http://h/%C3%BC%F0%9F%98%80" },
    { "http://h/\xe9", "http://h/%E9" },
    { "http://h/\x01\x7f", "http://h/%01%7F" },
    { "http://h/@:;=&+$,!*()-_", "http://h/@:;=&+$,!*()-_" },
    { "http://h/C:/..", "http://h/" },
    /* query and fragment */
    { "http://h?q", "http://h/?q" },
    { "http://h?", "http://h/?" },
    { "http://h#", "http://h/#" },
    { "http://h/?#", "http://h/?#" },
    { "http://h/?a=b&c=d#e", "http://h/?a=b&c=d#e" },
    { "http://h/?a?b#c#d?e", "http://h/?a?b#c#d?e" },
    { "http://h/? \"<>'`{}|^\\", "http://h/?%20%22%3C%3E%27`{}|^\\" },
    { "foo://h/? \"<>'`", "foo://h/?%20%22%3C%3E'`" },
    { "http://h/?\xc3\xbc\xe9%zz", "http://h/?%C3%BC%E9%zz" },
    { "http://h/?../..", "http://h/?../.." },
    { "http://h/# \"<>`'{}|^\\", "http://h/#%20%22%3C%3E%60'{}|^\\" },
    { "http://h/#\xc3\xbc", "http://h/#%C3%BC" },
    /* schemes that are not special */
    { "foo://h", "foo://h" },
    { "foo://h/", "foo://h/" },
    { "foo://", "foo://" },
    { "foo:///", "foo:///" },
    { "foo:///a", "foo:///a" },
    { "foo://H.Example/A", "foo://H.Example/A" },
    { "foo://\xc3\xbc/", "foo://%C3%BC/" },
    { "foo://a%20b/", "foo://a%20b/" },
    { "foo://a\"'`{}b/", "foo://a\"'`{}b/" },
    { "foo://127.1/", "foo://127.1/" },
    { "foo://h/a/../b", "foo://h/b" },
    { "foo://h/..", "foo://h/" },
    { "foo://h\\a/b", NULL },
    { "foo://a b/", NULL },
    { "foo://a<b/", NULL },
    { "foo://a|b/", NULL },
    { "foo://h/a\\b", "foo://h/a\\b" },
    { "foo:/a/b", "foo:/a/b" },
    { "foo:/a/../b", "foo:/b" },
    { "foo:/.//p", "foo:/.//p" },
    { "foo:/..//p", "foo:/.//p" },
    { "foo:/a/..//p", "foo:/.//p" },
    { "foo:", "foo:" },
    { "foo:?q#f", "foo:?q#f" },
    { "foo:a/../b", "foo:a/../b" },
    { "FOO+b.-1:X", "foo+b.-1:X" },
    { "mailto:a@b?subject=x y", "mailto:a@b?subject=x%20y" },
    { "javascript:alert(\"\xc3\xbc\")", "javascript:alert(\"%C3%BC\")" },
    { "data:text/plain,a b", "data:text/plain,a b" },
    { "data:a  ", "data:a" },
    { "data:a  #b", "data:a %20#b" },
    { "data:a ?b", "data:a%20?b" },
    { "blob:http://h/x", "blob:http://h/x" },
    /* files */
    { "file:", "file:///" },
    { "file:a", "file:///a" },
    { "file:/a", "file:///a" },
    { "file://", "file:///" },
    { "file:///a/../b", "file:///b" },
    { "file:////a", "file:////a" },
    { "file://h/a", "file://h/a" },
    { "file://H/a", "file://h/a" },
    { "file://localhost/a", "file:///a" },
    { "file://LOCALHOST", "file:///" },
    { "file:///C|/a", "file:///C:/a" },
    { "file:C:/a", "file:///C:/a" },
    { "file://C:/a", "file:///C:/a" },
    { "file://c|?q", "file:///c:?q" },
    { "file:///C:/..", "file:///C:/" },
    { "file:///C:/a/../..", "file:///C:/" },
    { "file:///a/C:/..", "file:///a/" },
    { "file:///C:d/..", "file:///" },
    { "file:\\\\h\\a", "file://h/a" },
    { "file:?q", "file:///?q" },
    { "file:#f", "file:///#f" },
    { "file://h:80/", NULL },
    { "file://u@h/", NULL },
    { "file://a b/", NULL },
    { "file://1.2.3.256/", NULL },
    { "file://[::1]/a", "file://[::1]/a" },
};

START_TEST(absolute_urls_are_normalised_or_refused)
{
    const char *input = absolute[_i].input, *href = absolute[_i].href;
    struct tw_url *url = parse(input, NULL), *again;

    ck_assert_msg((url != NULL) == (href != NULL), "%s: %s", input,
                  url ? url->href : "refused");
    if (url == NULL)
        return;
    ck_assert_msg(strcmp(url->href, href) == 0, "%s: %s", input, url->href);
    again = parse(url->href, NULL);
    ck_assert_ptr_nonnull(again);
    ck_assert_str_eq(again->href, url->href);
    tw_url_free(again);
    tw_url_free(url);
}
END_TEST

/* --- relative ----------------------------------------------------------------------------- */

static const struct {
    const char *input, *base, *href;
} relative[] = {
    { "", "http://h/a/b?q#f", "http://h/a/b?q" },
    { "#g", "http://h/a/b?q#f", "http://h/a/b?q#g" },
    { "?r", "http://h/a/b?q#f", "http://h/a/b?r" },
    { "?", "http://h/a/b?q#f", "http://h/a/b?" },
    { "#", "http://h/a/b?q#f", "http://h/a/b?q#" },
    { "", "http://h/?", "http://h/?" },
    { "c", "http://h/a/b?q#f", "http://h/a/c" },
    { "c/", "http://h/a/b", "http://h/a/c/" },
    { ".", "http://h/a/b", "http://h/a/" },
    { "./", "http://h/a/b", "http://h/a/" },
    { "..", "http://h/a/b/c", "http://h/a/" },
    { "../", "http://h/a/b/c", "http://h/a/" },
    { "../../../x", "http://h/a/b/c", "http://h/x" },
    { "/x", "http://u:p@h:8/a/b", "http://u:p@h:8/x" },
    { "\\x", "http://h/a/b", "http://h/x" },
    { "//g/x", "http://u:p@h:8/a/b", "http://g/x" },
    { "\\\\g\\x", "http://h/a", "http://g/x" },
    { "///g/x", "http://h/a", "http://g/x" },
    { "//", "http://h/a", NULL },
    { "//u@/x", "http://h/a", NULL },
    { "http:x", "http://h/a/b", "http://h/a/x" },
    { "http:/x", "http://h/a/b", "http://h/x" },
    { "http:?x", "http://h/a/b", "http://h/a/b?x" },
    { "https:x", "http://h/a/b", "https://x/" },
    { "http:", "http://h/a/b?q#f", "http://h/a/b?q" },
    { "x:y", "http://h/a/b", "x:y" },
    { ":x", "http://h/a/b", "http://h/a/:x" },
    { "1:x", "http://h/a/b", "http://h/a/1:x" },
    { "a b", "http://h/", "http://h/a%20b" },
    { " x ", "http://h/a", "http://h/x" },
    { "?a b'c", "http://h/", "http://h/?a%20b%27c" },
    { "x", "http://h", "http://h/x" },
    /* bases that are not special */
    { "x", "foo://h/a/b?q", "foo://h/a/x" },
    { "x", "foo://h", "foo://h/x" },
    { "/x", "foo://u:p@h:8/a", "foo://u:p@h:8/x" },
    { "//g", "foo://h/a", "foo://g" },
    { "\\x", "foo://h/a/b", "foo://h/a/\\x" },
    { "..", "foo://h/a/b", "foo://h/" },
    { "..", "foo://h/a", "foo://h/" },
    { "x", "foo:/a/b", "foo:/a/x" },
    { "..//x", "foo:/a/b", "foo:/.//x" },
    { "#x", "foo:/.//p", "foo:/.//p#x" },
    { "x", "foo:/.//p", "foo:/.//x" },
    { "", "foo:/.//p?q", "foo:/.//p?q" },
    { "foo:x", "foo://h/a", "foo:x" },
    { "#x", "mailto:a", "mailto:a#x" },
    { "#x", "data:a,b?c#d", "data:a,b?c#x" },
    { "x", "mailto:a", NULL },
    { "?x", "mailto:a", NULL },
    { "?x#y", "mailto:a", NULL },
    { "", "mailto:a", NULL },
    { "/x", "data:a", NULL },
    { "http://h/", "mailto:a", "http://h/" },
    /* files */
    { "x", "file:///a/b", "file:///a/x" },
    { "/x", "file://h/a/b", "file://h/x" },
    { "//g/x", "file://h/a", "file://g/x" },
    { "///x", "file://h/a", "file:///x" },
    { "", "file:///a?q#f", "file:///a?q" },
    { "?x", "file:///a?q", "file:///a?x" },
    { "#x", "file:///a?q", "file:///a?q#x" },
    { "..", "file:///C:/a", "file:///C:/" },
    { "../..", "file:///C:/a/b", "file:///C:/" },
    { "/x", "file:///C:/a", "file:///C:/x" },
    { "/", "file:///C:/a", "file:///C:/" },
    { "/D:/x", "file:///C:/a", "file:///D:/x" },
    { "D:", "file:///C:/a", "d:" }, /* a scheme of one letter, as everywhere */
    { "D|/x", "file:///C:/a", "file:///D:/x" },
    { "D|x", "file:///C:/a", "file:///C:/D|x" },
    { "file:x", "file:///a/b", "file:///a/x" },
    { "file:x", "http://h/a/b", "file:///x" },
    { "file:/x", "http://h/a/b", "file:///x" },
    { "http:x", "file:///a", "http://x/" },
};

START_TEST(relative_urls_are_resolved)
{
    const char *input = relative[_i].input, *href = relative[_i].href;
    struct tw_url *base = parse(relative[_i].base, NULL), *url;

    ck_assert_ptr_nonnull(base);
    url = parse(input, base);
    ck_assert_msg((url != NULL) == (href != NULL), "%s on %s: %s", input, relative[_i].base,
                  url ? url->href : "refused");
    if (url != NULL)
        ck_assert_msg(strcmp(url->href, href) == 0, "%s on %s: %s", input, relative[_i].base,
                      url->href);
    tw_url_free(url);
    tw_url_free(base);
}
END_TEST

/* --- components --------------------------------------------------------------------------- */

static const struct {
    const char *input, *protocol, *username, *password, *hostname;
    int port;
    unsigned effective_port;
    const char *pathname, *search, *hash, *origin;
    bool has_host;
} components[] = {
    { "http://u:p@Host:81/a/b?c=d#e", "http:", "u", "p", "host", 81, 81, "/a/b", "?c=d", "#e",
      "http://host:81", true },
    { "https://h", "https:", "", "", "h", -1, 443, "/", "", "", "https://h", true },
    { "https://h:443/?#", "https:", "", "", "h", -1, 443, "/", "", "", "https://h", true },
    { "https://h/?#x", "https:", "", "", "h", -1, 443, "/", "", "#x", "https://h", true },
    { "https://h/?x#", "https:", "", "", "h", -1, 443, "/", "?x", "", "https://h", true },
    { "ftp://[::1]/x", "ftp:", "", "", "[::1]", -1, 21, "/x", "", "", "ftp://[::1]", true },
    { "wss://h:1", "wss:", "", "", "h", 1, 1, "/", "", "", "wss://h:1", true },
    { "http://:p@h:0/", "http:", "", "p", "h", 0, 0, "/", "", "", "http://h:0", true },
    { "file:///a?b#c", "file:", "", "", "", -1, 0, "/a", "?b", "#c", "null", true },
    { "mailto:x@y?z", "mailto:", "", "", "", -1, 0, "x@y", "?z", "", "null", false },
    { "foo://u@H:5", "foo:", "u", "", "H", 5, 5, "", "", "", "null", true },
    { "foo://", "foo:", "", "", "", -1, 0, "", "", "", "null", true },
    { "foo:/.//p#f", "foo:", "", "", "", -1, 0, "//p", "", "#f", "null", false },
    { "blob:https://u@h:8/x#y", "blob:", "", "", "", -1, 0, "https://u@h:8/x", "", "#y",
      "https://h:8", false },
    { "blob:ftp://h/", "blob:", "", "", "", -1, 0, "ftp://h/", "", "", "null", false },
    { "blob:http://", "blob:", "", "", "", -1, 0, "http://", "", "", "null", false },
};

START_TEST(components_are_as_serialised)
{
    struct tw_url *url = parse(components[_i].input, NULL);

    ck_assert_ptr_nonnull(url);
    ck_assert_str_eq(url->protocol, components[_i].protocol);
    ck_assert_str_eq(url->username, components[_i].username);
    ck_assert_str_eq(url->password, components[_i].password);
    ck_assert_str_eq(url->hostname, components[_i].hostname);
    ck_assert_int_eq(url->port, components[_i].port);
    ck_assert_uint_eq(url->effective_port, components[_i].effective_port);
    ck_assert_str_eq(url->pathname, components[_i].pathname);
    ck_assert_str_eq(url->search, components[_i].search);
    ck_assert_str_eq(url->hash, components[_i].hash);
    ck_assert_str_eq(url->origin, components[_i].origin);
    ck_assert(url->has_host == components[_i].has_host);
    tw_url_free(url);
}
END_TEST

static const struct {
    const char *a, *b;
    bool same;
} origins[] = {
    { "http://h/", "http://h:80/x", true },
    { "http://H/", "http://u:p@h/", true },
    { "http://h/", "https://h/", false },
    { "http://h/", "http://h:81/", false },
    { "http://h/", "http://h./", false },
    { "https://h:80/", "http://h:80/", false },
    { "http://127.1/", "http://0x7f000001/", true },
    { "mailto:a", "mailto:a", false },
    { "file:///a", "file:///a", false },
};

START_TEST(an_origin_is_scheme_host_and_port)
{
    struct tw_url *a = parse(origins[_i].a, NULL), *b = parse(origins[_i].b, NULL);

    ck_assert(tw_url_same_origin(a, b) == origins[_i].same);
    ck_assert(tw_url_same_origin(b, a) == origins[_i].same);
    tw_url_free(a);
    tw_url_free(b);
}
END_TEST

/* --- sizes, bytes, memory ----------------------------------------------------------------- */

START_TEST(a_nul_is_a_byte_like_any_other)
{
    struct tw_url *url;

    ck_assert_int_eq(tw_url_parse("http://h/a\0b?c\0#d\0e", 19, NULL, &url, NULL), 0);
    ck_assert_str_eq(url->href, "http://h/a%00b?c%00#d%00e");
    tw_url_free(url);
    ck_assert_int_eq(tw_url_parse("\0 http://h/\0", 12, NULL, &url, NULL), 0);
    ck_assert_str_eq(url->href, "http://h/");
    tw_url_free(url);
    ck_assert_int_eq(tw_url_parse("http://h\0i/", 11, NULL, &url, NULL), -EINVAL);
    ck_assert_int_eq(tw_url_parse("foo://h\0i/", 10, NULL, &url, NULL), -EINVAL);
}
END_TEST

START_TEST(a_url_has_a_limit)
{
    size_t size = (1 << 20) + 1;
    char *text = malloc(size);
    struct tw_url *url, *next;
    const char *why = NULL;

    memset(text, '<', size);
    memcpy(text, "http://h/", 9);
    ck_assert_int_eq(tw_url_parse(text, size, NULL, &url, &why), -E2BIG);
    ck_assert_str_eq(why, "URL over 1 MiB");
    ck_assert_int_eq(tw_url_parse(text, size - 1, NULL, &url, &why), 0);
    ck_assert_uint_eq(strlen(url->pathname), 3 * (size - 1 - 9) + 1);
    text[9] = '/';
    ck_assert_int_eq(tw_url_parse(text + 9, 1000, url, &next, NULL), 0);
    tw_url_free(next);
    tw_url_free(url);
    free(text);
}
END_TEST

START_TEST(a_base_cannot_grow_without_limit)
{
    size_t size = 1 << 20;
    char *text = malloc(size);
    struct tw_url *base = parse("http://h/", NULL), *url;
    int r, rounds = 0;

    memset(text, 'a', size);
    memcpy(text, "?", 1);
    memset(text + 1, '"', size - 1);
    r = tw_url_parse(text, size, base, &url, NULL);
    ck_assert_int_eq(r, 0);
    tw_url_free(base);
    base = url;
    memset(text, '/', size);
    memcpy(text, "./", 2);
    while ((r = tw_url_parse(text, size, base, &url, NULL)) == 0 && rounds++ < 10) {
        tw_url_free(base);
        base = url;
    }
    ck_assert_int_eq(r, -E2BIG);
    tw_url_free(base);
    free(text);
}
END_TEST

START_TEST(a_long_url_with_newlines_is_cleaned)
{
    char text[4096];
    struct tw_url *url;

    memset(text, '\n', sizeof text);
    memcpy(text, "http://h/", 9);
    text[sizeof text - 1] = 'x';
    ck_assert_int_eq(tw_url_parse(text, sizeof text, NULL, &url, NULL), 0);
    ck_assert_str_eq(url->href, "http://h/x");
    tw_url_free(url);
}
END_TEST

START_TEST(a_long_international_host_is_refused)
{
    char text[1200];
    struct tw_url *url;
    const char *why;
    size_t length;

    strcpy(text, "http://\xc3\xbc");
    length = strlen(text);
    memset(text + length, '.', 500);
    ck_assert_int_eq(tw_url_parse(text, length + 500, NULL, &url, &why), -EINVAL);
    ck_assert_str_eq(why, "host name too long");
    memset(text + length, 'a', 1000);
    ck_assert_int_eq(tw_url_parse(text, length + 1000, NULL, &url, &why), -EINVAL);
    for (size_t i = 0; i < 120; i++)
        memcpy(text + length + 2 * i, i % 2 ? ".." : "\xc3\xbc", 2);
    ck_assert_int_eq(tw_url_parse(text, length + 240, NULL, &url, &why), -EINVAL);
}
END_TEST

/* "\xc3\xbc" becomes "xn--tda": a host of 253 characters is read again as it is written, one more
 * is refused at once. */
START_TEST(a_host_that_grows_when_it_is_mapped_has_the_same_limit)
{
    char text[600];
    struct tw_url *url, *again;
    const char *why;
    size_t length = 7;

    strcpy(text, "http://");
    for (size_t i = 0; i < 31; i++, length += 3)
        memcpy(text + length, "\xc3\xbc.", 3);
    memcpy(text + length, "abcde", 5); /* 31 * 8 + 5 */
    ck_assert_int_eq(tw_url_parse(text, length + 5, NULL, &url, &why), 0);
    ck_assert_uint_eq(strlen(url->hostname), 253);
    ck_assert_int_eq(tw_url_parse(url->href, strlen(url->href), NULL, &again, &why), 0);
    ck_assert_str_eq(again->href, url->href);
    tw_url_free(again);
    tw_url_free(url);
    memcpy(text + length, "abcdef", 6);
    ck_assert_int_eq(tw_url_parse(text, length + 6, NULL, &url, &why), -EINVAL);
    ck_assert_str_eq(why, "host name too long");
}
END_TEST

static bool resolve_something(void *arg)
{
    struct tw_url *base = NULL, *url = NULL;
    char text[3000];
    bool good;

    (void)arg;
    memset(text, 'x', sizeof text);
    good = tw_url_parse("http://u@h:8/a/b?c", 18, NULL, &base, NULL) == 0;
    good = good && tw_url_parse(text, sizeof text, base, &url, NULL) == 0;
    tw_url_free(url);
    url = NULL;
    good = good && tw_url_parse("blob:http://h/x", 15, base, &url, NULL) == 0;
    tw_url_free(url);
    tw_url_free(base);
    return good;
}

START_TEST(a_short_url_is_one_allocation)
{
    struct tw_url *url;

    test_fail_alloc(0, false);
    url = parse("http://example.com/a/path?query#hash", NULL);
    ck_assert_uint_eq(test_allocs(), 1);
    tw_url_free(url);
    test_each_alloc_failure(resolve_something, NULL);
}
END_TEST

/* --- what may be requested ---------------------------------------------------------------- */

static const struct {
    const char *input;
    bool good;
} requests[] = {
    { "http://h/", true },
    { "HTTPS://h:8/a?b#c", true },
    { "http://h/a b", false },
    { " http://h/", false },
    { "http://h/\n", false },
    { "http://h/\r\nX: y", false },
    { "http://h/\t", false },
    { "http://h/\x7f", false },
    { "http://h:0/", false },
    { "http://h:65536/", false },
    { "http://h:+80/", false },
    { "ftp://h/", false },
    { "file:///etc/passwd", false },
    { "data:x", false },
    { "h/x", false },
};

START_TEST(a_request_wants_a_clean_web_url)
{
    struct tw_url *url;
    const char *why = NULL;
    int r = twi_url_parse_request(requests[_i].input, &url, &why);

    ck_assert_int_eq(r, requests[_i].good ? 0 : -EINVAL);
    if (r == 0)
        tw_url_free(url);
    else
        ck_assert_ptr_nonnull(why);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("url");

    TEST_ADD_ROWS(suite, absolute_urls_are_normalised_or_refused, absolute);
    TEST_ADD_ROWS(suite, relative_urls_are_resolved, relative);
    TEST_ADD_ROWS(suite, components_are_as_serialised, components);
    TEST_ADD_ROWS(suite, an_origin_is_scheme_host_and_port, origins);
    TEST_ADD(suite, a_nul_is_a_byte_like_any_other);
    TEST_ADD(suite, a_url_has_a_limit);
    TEST_ADD(suite, a_base_cannot_grow_without_limit);
    TEST_ADD(suite, a_long_url_with_newlines_is_cleaned);
    TEST_ADD(suite, a_long_international_host_is_refused);
    TEST_ADD(suite, a_host_that_grows_when_it_is_mapped_has_the_same_limit);
    TEST_ADD(suite, a_short_url_is_one_allocation);
    TEST_ADD_ROWS(suite, a_request_wants_a_clean_web_url, requests);
    return test_run(suite);
}
