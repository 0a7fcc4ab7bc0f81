/* What GenerativeJumpIntegrator writes into checkpoints and States, and reads back. */
#include "ByteRecord.h"
#include "HexText.h"
#include "genmd/GenerativeJumpIntegrator.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"
#include <algorithm>
#include <istream>
#include <ostream>

using namespace OpenMM;
using namespace std;

static const uint64_t MAGIC = 0x31504d554a444d47ULL; // "GMDJUMP1"

/** Changes whenever the bytes of packRunState() change their meaning. */
static const uint32_t STATE_VERSION = 3;

static void writeRecord(ByteWriter& writer, const JumpRecord& record) {
    writer.write(record.index);
    writer.write(record.step);
    writer.write<int32_t>(record.accepted);
    writer.write<int32_t>(static_cast<int>(record.reason));
    writer.write(record.numSwitchingSteps);
    for (double value : {record.probability, record.work, record.logRatio, record.shadowWork, record.modelSeconds,
                         record.energySeconds, record.bookkeepingSeconds})
        writer.write(value);
}

static JumpRecord readRecord(ByteReader& reader) {
    JumpRecord record;
    record.index = reader.read<long long>();
    record.step = reader.read<long long>();
    record.accepted = reader.read<int32_t>() != 0;
    record.reason = static_cast<RejectionReason>(reader.read<int32_t>());
    record.numSwitchingSteps = reader.read<long long>();
    for (double* value : {&record.probability, &record.work, &record.logRatio, &record.shadowWork, &record.modelSeconds,
                          &record.energySeconds, &record.bookkeepingSeconds})
        *value = reader.read<double>();
    return record;
}

/** FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t getChecksum(const string& bytes) {
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (unsigned char byte : bytes)
        hash = (hash ^ byte) * 0x100000001b3ULL;
    return hash;
}

/** Random numbers, statistics, last record and proposer, as bytes that begin with their checksum. */
string GenerativeJumpIntegrator::packRunState() const {
    ByteWriter writer;
    writer.write(STATE_VERSION);
    writer.write(random.getState());
    writer.write(statistics);
    writeRecord(writer, lastJump);
    writer.write<int32_t>(hasJumped);
    writer.writeString(getProposerTypeName());
    writer.writeString(proposer ? proposer->getState() : pendingProposerState);
    ByteWriter packed;
    packed.write(getChecksum(writer.getBytes()));
    return packed.getBytes() + writer.getBytes();
}

void GenerativeJumpIntegrator::unpackRunState(const string& packed) {
    ByteReader reader(packed);
    if (reader.read<uint64_t>() != getChecksum(packed.substr(sizeof(uint64_t))))
        throw OpenMMException("GenerativeJumpIntegrator: the stored state of the jumps is truncated or damaged");
    if (reader.read<uint32_t>() != STATE_VERSION)
        throw OpenMMException(
            "GenerativeJumpIntegrator: the stored state of the jumps was written by another version of "
            "openmm_genmd; restart with that version");
    JumpRandom::State newRandom = reader.read<JumpRandom::State>();
    JumpStatistics newStatistics = reader.read<JumpStatistics>();
    JumpRecord newLastJump = readRecord(reader);
    bool newHasJumped = reader.read<int32_t>() != 0;
    string newType = reader.readString();
    string newProposerState = reader.readString();
    if (newType != getProposerTypeName())
        throw OpenMMException("GenerativeJumpIntegrator: the stored state belongs to a proposer of type '" + newType +
                              "', but this integrator has '" + getProposerTypeName() + "'");
    if (proposer)
        proposer->setState(newProposerState);
    else
        pendingProposerState = newProposerState;
    hasPendingProposerState = !proposer;
    random.setState(newRandom);
    statistics = newStatistics;
    lastJump = newLastJump;
    hasJumped = newHasJumped;
    records.clear();
}

void GenerativeJumpIntegrator::createCheckpoint(ostream& stream) const {
    CompoundIntegrator::createCheckpoint(stream);
    ByteWriter header;
    string packed = packRunState();
    header.write(MAGIC);
    header.write<uint64_t>(packed.size());
    stream.write(header.getBytes().data(), header.getBytes().size());
    stream.write(packed.data(), packed.size());
}

void GenerativeJumpIntegrator::loadCheckpoint(istream& stream) {
    CompoundIntegrator::loadCheckpoint(stream);
    uint64_t header[2] = {0, 0};
    stream.read(reinterpret_cast<char*>(header), sizeof(header));
    if (!stream || header[0] != MAGIC)
        throw OpenMMException("GenerativeJumpIntegrator: the checkpoint holds no state of jumps; expected one that was "
                              "written with a GenerativeJumpIntegrator of the same inner integrator");
    string packed;
    char buffer[4096];
    while (packed.size() < header[1] && stream) {
        stream.read(buffer, min<uint64_t>(sizeof(buffer), header[1] - packed.size()));
        packed.append(buffer, stream.gcount());
    }
    if (packed.size() != header[1])
        throw OpenMMException("GenerativeJumpIntegrator: the stored state of the jumps is truncated or damaged");
    unpackRunState(packed);
}

void GenerativeJumpIntegrator::serializeParameters(SerializationNode& node) const {
    CompoundIntegrator::serializeParameters(node);
    node.setStringProperty("jumpState", toHex(packRunState()));
}

/** A State restores the jumps only into an integrator that has not jumped yet, which is how a run is restarted. A live
 *  integrator keeps its random numbers, like every Integrator of OpenMM: replica exchange sets the States of all
 *  replicas on one Context, and the same random numbers in all of them would correlate the replicas. */
void GenerativeJumpIntegrator::deserializeParameters(const SerializationNode& node) {
    // A State of plain MD has nothing that a CompoundIntegrator would understand, but is a fine place to start from.
    if (node.hasProperty("version"))
        CompoundIntegrator::deserializeParameters(node);
    if (node.hasProperty("jumpState") && !hasJumped)
        unpackRunState(fromHex(node.getStringProperty("jumpState")));
}
