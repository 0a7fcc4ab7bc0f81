#ifndef OPENMM_BYTERECORD_H_
#define OPENMM_BYTERECORD_H_

#include "openmm/OpenMMException.h"
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

namespace OpenMM {

/** Appends plain values and strings to a byte string. */
class ByteWriter {
public:
    template <class T> void write(const T& value) {
        static_assert(std::is_trivially_copyable<T>::value, "only plain values can be written as bytes");
        bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
    }
    void writeString(const std::string& text) {
        write<uint64_t>(text.size());
        bytes += text;
    }
    const std::string& getBytes() const {
        return bytes;
    }

private:
    std::string bytes;
};

/** Reads back what a ByteWriter wrote; throws an OpenMMException if the bytes end too early. */
class ByteReader {
public:
    explicit ByteReader(const std::string& bytes) : bytes(bytes), position(0) {
    }
    template <class T> T read() {
        T value;
        std::memcpy(&value, take(sizeof(T)), sizeof(T));
        return value;
    }
    std::string readString() {
        uint64_t length = read<uint64_t>();
        const char* start = take(length);
        return std::string(start, length);
    }

private:
    const char* take(uint64_t length) {
        if (length > bytes.size() - position)
            throw OpenMMException("GenerativeJumpIntegrator: the stored state of the jumps is truncated or damaged");
        const char* start = bytes.data() + position;
        position += length;
        return start;
    }
    const std::string& bytes;
    size_t position;
};

} // namespace OpenMM

#endif /*OPENMM_BYTERECORD_H_*/
