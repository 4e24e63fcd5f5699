# SPDX-License-Identifier: Apache-2.0
"""As much of JSON Schema 2020-12 as openapi.json uses, and no more: what it does not know it does not pass over."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float)}
KNOWN = {"$ref", "type", "properties", "required", "items", "enum", "const", "oneOf", "anyOf", "additionalProperties", "description",
         "format", "default", "minimum", "maximum", "minLength", "maxLength", "examples", "title"}


def is_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def same(a, b):
    return type(a) is type(b) and a == b


class Schemas:
    def __init__(self, document):
        self.document = document

    def at(self, reference):
        assert reference.startswith("#/"), reference
        found = self.document
        for part in reference[2:].split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def follow(self, thing):
        while "$ref" in thing:
            thing = self.at(thing["$ref"])
        return thing

    def problems(self, value, schema, where="$"):
        """What is wrong with the value, one line each."""
        if schema is True:
            return []
        if schema is False:
            return [where + " may not be there"]
        unknown = set(schema) - KNOWN
        assert not unknown, "schema.py does not know %s" % unknown
        if "$ref" in schema:
            found = self.problems(value, self.at(schema["$ref"]), where)
            return found + self.problems(value, {k: v for k, v in schema.items() if k != "$ref"}, where)
        return [*self.by_value(value, schema, where), *self.by_choice(value, schema, where), *self.by_members(value, schema, where)]

    def by_value(self, value, schema, where):
        names = schema.get("type", [])
        names = [names] if isinstance(names, str) else names
        if names and not any(is_type(value, name) for name in names):
            yield "%s is %.80r, not %s" % (where, value, " or ".join(names))
        if "const" in schema and not same(value, schema["const"]):
            yield "%s is %.80r, not %r" % (where, value, schema["const"])
        if "enum" in schema and not any(same(value, one) for one in schema["enum"]):
            yield "%s is %.80r, none of %r" % (where, value, schema["enum"])
        if is_type(value, "number") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield "%s is %r, out of range" % (where, value)
        if isinstance(value, str) and not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield "%s is of another length" % where

    def by_choice(self, value, schema, where):
        for word, wanted in (("oneOf", lambda n: n == 1), ("anyOf", lambda n: n > 0)):
            if word in schema:
                each = [self.problems(value, one, where) for one in schema[word]]
                if not wanted(sum(not found for found in each)):
                    yield "%s fits %d of its %s: %s" % (where, sum(not f for f in each), word, each)

    def by_members(self, value, schema, where):
        if isinstance(value, dict):
            for name in schema.get("required", []):
                if name not in value:
                    yield "%s has no %s" % (where, name)
            for name, member in value.items():
                inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
                yield from self.problems(member, inner, where + "." + name)
        if isinstance(value, list) and "items" in schema:
            for n, one in enumerate(value):
                yield from self.problems(one, schema["items"], "%s[%d]" % (where, n))
