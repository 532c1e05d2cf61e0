#!/bin/sh
# SPDX-License-Identifier: MIT
# tweed form: requests that forms make.
. "${srcdir:-.}/tests/cli.sh"

page='<form id=f name=n method=post action=/go?x#y><input name=a value=1><input name=b type=CheckBox checked><input name=c type=checkbox><input type=radio name=d value=2 checked><input name=off disabled><fieldset disabled><input name=in></fieldset><select name=s><option disabled>0<option>  q  r <option value=t selected></select><select name=e><option disabled>0<option>1</select><select name=m multiple><option selected>1<option selected>2</select><textarea name=t>\n&auml;\nz</textarea><input value=nameless><input type=submit name=go value=1><button name=go value=2 formaction=/two formmethod=get>x</button><input type=image name=i></form><input form=f name=late value=*~><form action=b.html><p id=p><input name=k value=v></p></form>'
rest='m=1&m=2&t=%C3%A4%0D%0Az'

form()
{
    claim "$1"
    batch form "{\"text\":\"$page\",\"url\":\"http://h/d/?old\"${2:+,$2}}"
    out_is "$3"
}

post()
{
    printf '{"method":"POST","url":"%s","type":"application/x-www-form-urlencoded","body":"%s"}' "$1" "$2"
}

form "the first form, by its first button" '' \
    "$(post 'http://h/go?x' "a=1&b=on&d=2&s=t&e=1&$rest&go=1&late=*%7E")"
form "values are set, and left out" '"set":[["a","x y"],["new","&"],["a",null],["d",null],["go","3"]],"unset":["s","m","t","e"]' \
    "$(post 'http://h/go?x' 'b=on&late=*%7E&a=x+y&new=%26&go=3')"
form "another button has its own action" '"click":{"value":"2"}' \
    "{\"method\":\"GET\",\"url\":\"http://h/two?a=1&b=on&d=2&s=t&e=1&$rest&go=2&late=*%7E\",\"type\":null,\"body\":null}"
form "an image sends where it was clicked" '"click":{"name":"i"},"unset":["a","b","d","s","e","m","t","late"]' \
    "$(post 'http://h/go?x' 'i.x=0&i.y=0')"
form "no button" '"click":false,"method":"put","action":"other","set":{"t":null}' \
    "$(post http://h/d/other 'a=1&b=on&d=2&s=t&e=1&m=1&m=2&late=*%7E' | sed s/POST/PUT/)"
form "a form by number" '"number":1' '{"method":"GET","url":"http://h/d/b.html?k=v","type":null,"body":null}'
form "a form by what stands in it" '"css":"#p"' '{"method":"GET","url":"http://h/d/b.html?k=v","type":null,"body":null}'
form "a form by XPath" '"xpath":"//form[2]"' '{"method":"GET","url":"http://h/d/b.html?k=v","type":null,"body":null}'
form "no form of that number" '"number":2' '{"error":"form","message":"there is no form of that number"}'
form "no form there" '"css":"html"' '{"error":"form","message":"what was found is no form, and stands in none"}'
form "no such button" '"click":{"name":"x"}' '{"error":"form","message":"no button has these attributes"}'
form "two such buttons" '"click":{"name":"go"}' '{"error":"form","message":"more than one button has these attributes"}'
form "a wrong selector" '"css":"["' '{"error":"css","message":"[ wants the name of an attribute, at character 2"}'

claim "data are in the page's charset"
batch form '{"base64":"PG1ldGEgY2hhcnNldD1sYXRpbjE+PGZvcm0+PGlucHV0IG5hbWU9YSB2YWx1ZT3kPjxpbnB1dCB0eXBlPWhpZGRlbiBuYW1lPV9jaGFyc2V0Xz4=","url":"http://h/?q","set":[["b","я"]]}' \
    '{"text":"<form accept-charset=\"x utf-8\"><input name=a value=ä></form>","charset":"latin1","url":"http://h"}' \
    '{"text":"<form>"}' '{"text":"x","url":"http://h"}' '{}'
out_is '{"method":"GET","url":"http://h/?a=%E4&_charset_=windows-1252&b=%26%231103%3B","type":null,"body":null}
{"method":"GET","url":"http://h/?a=%C3%A4","type":null,"body":null}
{"error":"url","message":"it has no URL: where does the page come from?"}
{"error":"form","message":"there is no form"}
{"error":"usage","message":"no input"}'

claim "a control is of the form around it, or of the one that it names"
batch form '{"text":"<r><form id=\"f\"><input name=\"a\"/><form><p><input name=\"b\"/></p><form/><input name=\"c\" form=\"f\"/></form><input name=\"d\"/></form><input name=\"e\"/></r>","type":"xhtml","url":"http://h/"}' \
    '{"text":"<form><input type=hidden name=_Charset_ value=x>","url":"http://h/"}'
out_is '{"method":"GET","url":"http://h/?a=&c=&d=","type":null,"body":null}
{"method":"GET","url":"http://h/?_Charset_=UTF-8","type":null,"body":null}'

claim "a form is shown"
printf '<form method=post><input name=a><input type=submit name=b></form>' >"$work/page"
run form --url http://h/ --set a=1 --no-click "$work/page"
status 0
out_is 'POST http://h/
a=1'
run form --url http://h/ --click name=b --unset a "$work/page"
out_has 'b='
run form --number x "$work/page"
status 2

end
