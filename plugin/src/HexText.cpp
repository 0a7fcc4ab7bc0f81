#include "HexText.h"
#include "openmm/OpenMMException.h"

using namespace std;

static const string DIGITS = "0123456789abcdef";

string OpenMM::toHex(const string& bytes) {
    string text;
    for (unsigned char byte : bytes) {
        text += DIGITS[byte >> 4];
        text += DIGITS[byte & 15];
    }
    return text;
}

string OpenMM::fromHex(const string& text) {
    string bytes;
    for (size_t i = 0; i + 1 < text.size(); i += 2) {
        size_t high = DIGITS.find(text[i]), low = DIGITS.find(text[i + 1]);
        if (high == string::npos || low == string::npos)
            break;
        bytes += (char)(high * 16 + low);
    }
    if (2 * bytes.size() != text.size())
        throw OpenMMException("GenerativeJumpIntegrator: the stored state of the jumps is not hexadecimal text");
    return bytes;
}
